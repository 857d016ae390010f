/** JSON as it is printed, and JSON as servers send it. */
import { DaypassError } from './errors.ts'

/**
 * One line, for whatever is printed. What a terminal would obey or not show is escaped, which leaves the value as it is:
 * control, bidirectional and invisible characters, line separators, halves of characters.
 */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSHOWN, (character) =>
    // A character beyond U+FFFF is two of these.
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
}

const UNSHOWN = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu

/** Deeper than any answer of a server, and far from what a recursive reader can take. */
const MAX_DEPTH = 100

/** The JSON of a server's answer. Throws `network` where it is nested too deep, and SyntaxError where it is none. */
export function parseAnswer(text: string): unknown {
  if (isDeeperThan(text, MAX_DEPTH))
    throw new DaypassError('network', `the server sent an answer that is nested more than ${MAX_DEPTH} deep`)
  return JSON.parse(text)
}

function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  let isQuoted = false
  for (let at = 0; at < text.length && depth <= limit; at++) {
    const character = text[at]!
    if (character === '"') isQuoted = !isQuoted
    else if (isQuoted) at += character === '\\' ? 1 : 0
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
  }
  return depth > limit
}
