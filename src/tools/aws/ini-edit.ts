/** Adds and removes keys in AWS' files. All other bytes stay unchanged. */
import { DaypassError } from '../../core/errors.ts'
import { applyEdits, detectLineEnd, type Edit, findLineNumber } from '../files/edits.ts'
import { type AwsFile, type IniKey, type IniSection, listSections, parseIni } from './ini.ts'

/** New values of keys; undefined removes a key. */
export type Keys = Readonly<Record<string, string | undefined>>

/** Builds the edits that set the keys of a profile. A missing profile is added at the end. */
export function editProfile(text: string, file: AwsFile, profile: string, keys: Keys): Edit[] {
  parseIni(text, (at) => refuseStray(text, at))
  const sections = listSections(text, file, profile)
  if (sections.length > 1) throw createDuplicateError(text, `profile "${profile}"`, sections)
  const [section] = sections
  return section === undefined
    ? addBlock(text, formatHeader(file, profile), keys)
    : changeBlock(text, section, keys)
}

function refuseStray(text: string, at: number): never {
  throw new DaypassError(
    'configuration',
    `line ${findLineNumber(text, at)} of the AWS file is nothing that belongs there`,
    {
      hint: 'mend that line, then try again: the AWS command line cannot read the file either',
    },
  )
}

/** Creates the error for duplicates: Python refuses the file, and the SDKs choose different ones. */
function createDuplicateError(
  text: string,
  what: string,
  places: readonly { start: number }[],
): DaypassError {
  const lines = places.map(({ start }) => findLineNumber(text, start)).join(' and ')
  return new DaypassError('configuration', `${what} stands twice in the AWS file, in lines ${lines}`, {
    hint: 'make one of the two, then try again',
  })
}

/** Indented lines follow. Python reads them as the value, the SDKs as keys and headers of their own. */
const isMultiline = (text: string, { start, end }: IniKey) => text.slice(start, end).trimEnd().includes('\n')

function createContinuationError(name: string, { header }: IniSection): DaypassError {
  return new DaypassError('configuration', `\`${name}\` of [${header}] is followed by indented lines`, {
    hint: 'move those lines to where they belong, then try again: tools differ in what they take them for',
  })
}

const formatHeader = (file: AwsFile, profile: string) =>
  file === 'credentials' || profile === 'default' ? `[${profile}]` : `[profile ${profile}]`

const formatIniLine = (name: string, value: string, indent: string, newline: string) =>
  `${indent}${name} = ${value}${newline}`

function addBlock(text: string, header: string, keys: Keys): Edit[] {
  const newline = detectLineEnd(text)
  const lines = Object.entries(keys).flatMap(([name, value]) =>
    value === undefined ? [] : [formatIniLine(name, value, '', newline)],
  )
  if (lines.length === 0) return []
  const after = `${buildGap(text, newline)}${header}${newline}${lines.join('')}`
  return [{ at: text.length, before: '', after }]
}

/** Returns the line ends that make an empty line before a block. */
function buildGap(text: string, newline: string): string {
  if (text === '' || text === '\ufeff') return ''
  if (!text.endsWith('\n')) return newline + newline
  return /(?:^\ufeff?|\n)[ \t]*\r?\n$/.test(text) ? '' : newline
}

function changeBlock(text: string, section: IniSection, keys: Keys): Edit[] {
  const newline = detectLineEnd(text)
  const long = section.keys.find((key) => key.value !== '' && isMultiline(text, key))
  if (long !== undefined) throw createContinuationError(long.name, section)
  const { at, indent } = findInsertionPlace(text, section)
  const edits: Edit[] = []
  let added = ''
  for (const [name, value] of Object.entries(keys)) {
    const there = section.keys.filter((key) => key.name === name)
    if (there.length > 1) throw createDuplicateError(text, `\`${name}\` of [${section.header}]`, there)
    edits.push(...there.flatMap((key) => replaceKey(text, key, value, newline)))
    if (there.length === 0 && value !== undefined) added += formatIniLine(name, value, indent, newline)
  }
  if (added !== '') edits.push(insertLines(text, at, added, newline))
  return mergeEdits(edits)
}

function replaceKey(text: string, key: IniKey, value: string | undefined, newline: string): Edit[] {
  if (value === key.value) return []
  const before = text.slice(key.start, key.end)
  const end = /\r?\n$/.exec(before)?.[0] ?? (key.end < text.length ? newline : '')
  return [
    {
      at: key.start,
      before,
      after: value === undefined ? '' : formatIniLine(key.name, value, key.indent, end),
    },
  ]
}

/**
 * Finds the place after the first plain keys. After a key that continues on the next line (`s3 =`), some
 * readers would take ours as a part of it. The indent equals that of the next line: with less, Python would
 * append that line to our value; with more, it would append ours to the value before.
 */
function findInsertionPlace(text: string, { headEnd, keys }: IniSection): { at: number; indent: string } {
  const other = keys.findIndex((key) => key.value === '' || isMultiline(text, key))
  const last = (other === -1 ? keys : keys.slice(0, other)).at(-1)
  return { at: last?.end ?? headEnd, indent: last?.indent ?? findNextIndent(text.slice(headEnd)) }
}

/** Returns the indent of the first line that is not empty or a comment. */
const findNextIndent = (text: string) => /^(?:[ \t]*(?:[#;].*)?\r?\n)*([ \t]*)/.exec(text)![1]!

function insertLines(text: string, at: number, lines: string, newline: string): Edit {
  if (at === 0 || text[at - 1] === '\n') return { at, before: '', after: lines }
  return { at, before: '', after: newline + lines.slice(0, -newline.length) }
}

/** Sorts edits and merges an insertion with an edit at the same place. */
function mergeEdits(edits: readonly Edit[]): Edit[] {
  const all: Edit[] = []
  for (const edit of [...edits].sort((a, b) => a.at - b.at)) {
    const last = all.at(-1)
    if (last === undefined || last.at + last.before.length !== edit.at) all.push({ ...edit })
    else all.splice(-1, 1, { at: last.at, before: last.before + edit.before, after: last.after + edit.after })
  }
  return all
}

/** Undoes edits in a text changed since, except for keys that got another value meanwhile. */
export function undoIniEdits(text: string, file: AwsFile, profile: string, edits: readonly Edit[]): string {
  let now = text
  for (const edit of [...edits].reverse()) {
    const [section, other] = listSections(now, file, profile)
    if (section === undefined || other !== undefined) return now
    const isBlock = parseIni(edit.after).length > 0
    now = isBlock ? removeBlock(now, section, edit.after) : removeLines(now, section, edit)
  }
  return now
}

function removeBlock(text: string, section: IniSection, written: string): string {
  const header = written.indexOf('[')
  const at = section.start - header
  const last = section.keys.at(-1)?.end ?? section.headEnd
  if (at >= 0 && text.startsWith(written, at) && at + written.length >= last)
    return cutText(text, at, at + written.length)
  const lines = written.slice(written.indexOf(']', header) + 1)
  const left = removeLines(text, section, { at: 0, before: '', after: lines })
  return removeHeader(left, section.start, written.slice(0, header))
}

/** Removes an empty section: the header, and the gap that was added before it. */
function removeHeader(text: string, start: number, gap: string): string {
  const { headEnd, end } = parseIni(text).find((section) => section.start === start)!
  if (text.slice(headEnd, end).trim() !== '') return text
  return cutText(text, text.slice(0, start).endsWith(gap) ? start - gap.length : start, headEnd)
}

/** Cuts text; adds a line end where two lines would become one. */
function cutText(text: string, from: number, to: number): string {
  const [before, after] = [text.slice(0, from), text.slice(to)]
  const joins = before !== '' && !before.endsWith('\n') && after !== '' && !/^\r?\n/.test(after)
  return joins ? before + detectLineEnd(text) + after : before + after
}

function removeLines(text: string, section: IniSection, { before, after }: Edit): string {
  const written = parseKeyLines(after)
  const earlier = parseKeyLines(before)
  const back = written.flatMap(({ name, value }) => {
    const there = section.keys.find((key) => key.name === name && key.value === value)
    if (there === undefined || isMultiline(text, there)) return []
    const now = text.slice(there.start, there.end)
    const was = earlier.find((key) => key.name === name)?.raw
    return [
      {
        at: there.start,
        before: now,
        after: was && now.endsWith('\n') ? addLineEnd(was, text) : (was ?? ''),
      },
    ]
  })
  const taken = new Set([...section.keys, ...written].map(({ name }) => name))
  const { at, indent } = findInsertionPlace(text, section)
  const lost = earlier
    .filter(({ name }) => !taken.has(name))
    .map(({ raw }) => addLineEnd(indent + raw.trimStart(), text))
    .join('')
  if (lost !== '') back.push(insertLines(text, at, lost, detectLineEnd(text)))
  return applyEdits(text, mergeEdits(back))
}

const addLineEnd = (lines: string, text: string) =>
  lines.endsWith('\n') ? lines : lines + detectLineEnd(text)

function parseKeyLines(lines: string): { name: string; value: string; raw: string }[] {
  const text = `[-]\n${lines}`
  return parseIni(text)[0]!.keys.map(({ name, value, start, end }) => ({
    name,
    value,
    raw: text.slice(start, end),
  }))
}
