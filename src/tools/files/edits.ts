/** Changes to a text that somebody else owns: small, in order, and each knows what stood there before. */
import { createHash } from 'node:crypto'

/** At `at` of the text before, `before` gives way to `after`. */
export interface Edit {
  at: number
  before: string
  after: string
}

/** `edits` in the order of the text, none into another. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .reverse()
    .reduce((now, { at, before, after }) => now.slice(0, at) + after + now.slice(at + before.length), text)
}

/** The edits that lead back from what {@link applyEdits} made. */
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

/** The line end that a text uses; that of its first line, where it uses two. */
export function detectLineEnd(text: string): '\n' | '\r\n' {
  return /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n'
}

export function findLineNumber(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

/** The same change, each edit of whole lines: for those who show it. */
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

/** The change of whole lines that leads from one text to another. None where they are the same. */
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

/** Whatever a file of credentials may hold besides ours is nobody's business on a screen. */
export type Mask = (line: string, isAdded: boolean) => string

const SECRET_LINE = /^(\s*[\w.-]*(?:secret|token|password|private|credential_process)[\w.-]*\s*[=:]\s*).*$/i

/** Of an INI file, in which what is added is ours. */
const maskIni: Mask = (line, isAdded) => (isAdded ? line : line.replace(SECRET_LINE, '$1…'))

/** As `diff -u` would show it, one line of context, the values of secrets masked. Empty: nothing changes. */
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

/** `moved`: by how many lines the edits before this one have made the text longer. */
function formatHunk(text: string, { at, before, after }: Edit, moved: number, mask: Mask): string[] {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
  const above = splitLines(
    text.slice(start < 2 ? 0 : text.lastIndexOf('\n', start - 2) + 1, Math.max(start, at)),
  ).slice(-1)
  // Where the last line had no end, what is added begins by giving it one.
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
