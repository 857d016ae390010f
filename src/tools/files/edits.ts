/** Edits of a text that belongs to another program: small, sorted, each with the text that it replaces. */
import { createHash } from 'node:crypto'

/** Replaces `before` by `after` at offset `at` of the original text. */
export interface Edit {
  at: number
  before: string
  after: string
}

/** Applies edits, which must be sorted and must not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .reverse()
    .reduce((now, { at, before, after }) => now.slice(0, at) + after + now.slice(at + before.length), text)
}

/** Returns the edits that undo what {@link applyEdits} did. */
export function invertEdits(edits: readonly Edit[]): Edit[] {
  let moved = 0
  return edits.map(({ at, before, after }) => {
    const back = { at: at + moved, before: after, after: before }
    moved += after.length - before.length
    return back
  })
}

export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Returns the line end of the text; of its first line where it mixes both. */
export function detectLineEnd(text: string): '\n' | '\r\n' {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}

export function findLineNumber(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

/** Expands the edits to whole lines, for display. */
export function expandToLines(text: string, edits: readonly Edit[]): Edit[] {
  const groups: { start: number; end: number; edits: Edit[] }[] = []
  for (const edit of edits) {
    const { at, before } = edit
    const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
    const newline = text.indexOf('\n', at + before.length)
    const end = newline === -1 ? text.length : newline + 1
    const last = groups.at(-1)
    if (last && start < last.end) Object.assign(last, { end, edits: [...last.edits, edit] })
    else groups.push({ start, end, edits: [edit] })
  }
  return groups.map(({ start, end, edits: inside }) => {
    const before = text.slice(start, end)
    const moved = inside.map((edit) => ({ ...edit, at: edit.at - start }))
    return { at: start, before, after: applyEdits(before, moved) }
  })
}

/** Computes the edit of whole lines from one text to another; none where they are equal. */
export function computeEdits(text: string, after: string): Edit[] {
  const [before, now] = [splitKeepingEnds(text), splitKeepingEnds(after)]
  const most = Math.min(before.length, now.length)
  let top = 0
  while (top < most && before[top] === now[top]) top++
  let end = 0
  while (top + end < most && before.at(-1 - end) === now.at(-1 - end)) end++
  const middle = (lines: string[]) => lines.slice(top, lines.length - end).join('')
  const edit = { at: before.slice(0, top).join('').length, before: middle(before), after: middle(now) }
  return edit.before === edit.after ? [] : [edit]
}

const splitKeepingEnds = (text: string) => text.split(/(?<=\n)/)

/** Masks a line for display: a credentials file may hold other secrets. */
export type Mask = (line: string, isAdded: boolean) => string

const SECRET_LINE = /^(\s*[\w.-]*(?:secret|token|password|private|credential_process)[\w.-]*\s*[=:]\s*).*$/i

/** Masks an INI line; added lines are ours. */
const maskIni: Mask = (line, isAdded) => (isAdded ? line : line.replace(SECRET_LINE, '$1…'))

/** Formats like `diff -u` with one line of context and masked secrets. Empty: nothing changes. */
export function formatDiff(file: string, text: string, edits: readonly Edit[], mask: Mask = maskIni): string {
  if (edits.length === 0) return ''
  let moved = 0
  const hunks = edits.map((edit) => {
    const hunk = formatHunk(text, edit, moved, mask)
    moved += splitLines(edit.after).length - splitLines(edit.before).length
    return hunk
  })
  return [`--- ${file}`, `+++ ${file}`, ...hunks.flat(), ''].join('\n')
}

/** Formats one edit. `moved`: the lines that earlier edits added. */
function formatHunk(text: string, { at, before, after }: Edit, moved: number, mask: Mask): string[] {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
  const above = splitLines(
    text.slice(start < 2 ? 0 : text.lastIndexOf('\n', start - 2) + 1, Math.max(start, at)),
  ).slice(-1)
  // If the last line had no line end, the added text begins with one.
  const added = splitLines(start < at ? after.replace(/^\r?\n/, '') : after)
  const gone = splitLines(before)
  const top = findLineNumber(text, at) - above.length + (start < at ? 1 : 0)
  const range = (first: number, count: number) => `${count === 0 ? first - 1 : first},${count}`
  return [
    `@@ -${range(top, above.length + gone.length)} +${range(top + moved, above.length + added.length)} @@`,
    ...above.map((each) => ` ${mask(each, false)}`),
    ...gone.map((each) => `-${mask(each, false)}`),
    ...added.map((each) => `+${mask(each, true)}`),
  ]
}

function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
