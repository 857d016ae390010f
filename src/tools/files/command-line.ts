/**
 * Quotes a program and its arguments as one line of a profile. Some readers pass it to a shell (`sh -c`, `cmd
 * /c`). Python splits it by the rules of shlex, or on Windows by those of the C runtime. INI parsers come
 * first and take ` #` and ` ;` for a comment, even in quotes.
 */
import { DaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'

export function formatCommandLine(
  words: readonly string[],
  platform: NodeJS.Platform = process.platform,
): string {
  const quote = platform === 'win32' ? quoteForWindows : quoteForShell
  return words.map(quote).join(' ')
}

function quoteForShell(word: string): string {
  if (/[\x00-\x1f\x7f]/.test(word)) throw createUnwritableError(word)
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // Adds an empty quoted string: it changes nothing, but an INI parser then sees no white space before the
  // sign.
  const pieces = word.replaceAll("'", `'"'"'`).replace(/\s(?=[#;])/g, "$&''")
  return `'${pieces}'`
}

/** Quotes for Windows: `cmd` expands variables in quotes, and no escape for a quote suits both. */
function quoteForWindows(word: string): string {
  if (/[\x00-\x1f\x7f"%]|\s[#;]|\\$/.test(word)) throw createUnwritableError(word)
  return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word}"`
}

function createUnwritableError(word: string): DaypassError {
  return new DaypassError(
    'usage',
    `"${sanitize(word)}" cannot be written into a profile as every tool reads it`,
    {
      hint: 'install daypass, and Node, in folders of plain letters',
    },
  )
}

/** Returns whether `setup` wrote the line: our program, then the verb and the identity at the end. */
export const isOwnCommand = (line: string) =>
  /(?:daypass|cli\.cjs).*\scredential-process\s+['"]?[\w.@-]+['"]?$/.test(line)
