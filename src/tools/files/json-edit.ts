/**
 * Finds the places of values in JSON that another tool owns, for small edits. The rest keeps its order,
 * numbers and white space, which parsing and writing the whole would change.
 */
import { DaypassError } from '../../core/errors.ts'
import { applyEdits, detectLineEnd, type Edit, findLineNumber } from './edits.ts'

export type Json = Record<string, unknown>

export const isJson = (said: unknown): said is Json =>
  typeof said === 'object' && said !== null && !Array.isArray(said)

/** Parses a JSON object. Throws an error that names `path` for other text, and shows none of the text. */
export function parseObject(text: string, path: string): Json {
  let said: unknown
  try {
    said = JSON.parse(text)
  } catch (error) {
    // No `cause`: V8's message may hold a piece of a secret.
    const [, at] = /at position (\d+)/.exec((error as Error).message) ?? []
    const line = at === undefined ? '' : ` (line ${findLineNumber(text, Number(at))})`
    throw createNotJsonError(path, `it is no JSON${line}`)
  }
  if (isJson(said)) return said
  throw createNotJsonError(path, 'it is no JSON object')
}

export function createNotJsonError(path: string, why: string): DaypassError {
  return new DaypassError('configuration', `${path} cannot be read: ${why}`, {
    hint: 'mend it, then try again: its own tool cannot read it either',
  })
}

/** The offsets of a value in the text. */
export interface Place {
  start: number
  end: number
}

/** An item of a list, or a member of an object. */
export interface Child extends Place {
  /** Empty in a list. */
  name: string
  /** Offset of its name; in a list of the value. */
  from: number
}

const TOKEN = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s[\]{},:"]+)/y

interface Token extends Place {
  text: string
}

function* tokenizeJson(text: string, { start, end }: Place): Generator<Token> {
  for (let at = start; ; ) {
    TOKEN.lastIndex = at
    const [, token] = TOKEN.exec(text) ?? []
    at = TOKEN.lastIndex
    if (token === undefined || at > end) return
    yield { text: token, start: at - token.length, end: at }
  }
}

/** Finds the root value of a JSON text. */
export function findRoot(text: string): Place {
  return { start: text.search(/\S/), end: text.trimEnd().length }
}

/** Parses the members of an object or the items of a list, in order; none for other values. */
export function parseChildren(text: string, { start, end }: Place): Child[] {
  const isObject = text[start] === '{'
  if (!isObject && text[start] !== '[') return []
  const children: Child[] = []
  let depth = 0
  let name: Token | undefined
  let child: Child | undefined
  for (const token of tokenizeJson(text, { start: start + 1, end: end - 1 })) {
    if (depth === 0 && token.text === ',') name = child = undefined
    else if (depth === 0 && token.text === ':') continue
    else if (isObject && !name) name = token
    else {
      if (!child) {
        child = { ...pickPlace(token), name: name ? JSON.parse(name.text) : '', from: (name ?? token).start }
        children.push(child)
      }
      depth += DEPTH_CHANGE[token.text] ?? 0
      child.end = token.end
    }
  }
  return children
}

const DEPTH_CHANGE: Partial<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 }

const pickPlace = ({ start, end }: Place): Place => ({ start, end })

/** Finds a member by name. Throws for a repeated name, which readers treat differently. */
export function findMember(text: string, object: Place, name: string, path: string): Child | undefined {
  const [first, second] = parseChildren(text, object).filter((child) => child.name === name)
  if (first === undefined || second === undefined) return first
  const lines = `${findLineNumber(text, first.from)} and ${findLineNumber(text, second.from)}`
  throw new DaypassError('configuration', `"${name}" stands twice in ${path}, in lines ${lines}`, {
    hint: 'make one of the two, then try again',
  })
}

/** Appends members to an object, or an item to a list, in the layout of the others. */
export function appendMembers(text: string, container: Place, added: Json | readonly [unknown]): Edit {
  const children = parseChildren(text, container)
  const last = children.at(-1)
  const entries = Object.entries(added).map(([name, value]) =>
    Array.isArray(added) ? { value } : { name, value },
  )
  const newline = text.includes('\n') ? detectLineEnd(text) : ''
  const unit = detectIndentUnit(text)
  const gap = last
    ? text.slice(container.start + 1, children[0]!.from)
    : newline && newline + findLineIndent(text, container.start) + unit
  const indent = gap.includes('\n') ? gap.slice(gap.lastIndexOf('\n') + 1) : undefined
  const lines = entries.map(({ name, value }) => {
    const said = formatJsonValue(value, indent === undefined ? undefined : { indent, unit, newline })
    return name === undefined ? said : `${JSON.stringify(name)}:${indent === undefined ? '' : ' '}${said}`
  })
  if (last) return { at: last.end, before: '', after: lines.map((line) => `,${gap}${line}`).join('') }
  const before = text.slice(container.start + 1, container.end - 1)
  const end = newline && newline + findLineIndent(text, container.start)
  return { at: container.start + 1, before, after: `${gap}${lines.join(`,${gap}`)}${end}` }
}

interface Layout {
  indent: string
  unit: string
  newline: string
}

/** Formats in one line unless there is a layout to follow. */
function formatJsonValue(value: unknown, layout: Layout | undefined): string {
  if (layout === undefined) return JSON.stringify(value)
  const { indent, unit, newline } = layout
  return JSON.stringify(value, null, unit).replaceAll('\n', newline + indent)
}

/** Returns the indent of the first indented line. */
const detectIndentUnit = (text: string) => /\n([ \t]+)\S/.exec(text)?.[1] ?? '\t'

/** Returns the indent of the line with this offset. */
const findLineIndent = (text: string, at: number) =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at) + 1))![0]

/** Replaces a value. */
export function replaceValue(text: string, { start, end }: Place, value: unknown): Edit {
  const newline = text.includes('\n') ? detectLineEnd(text) : undefined
  const layout = newline && { indent: findLineIndent(text, start), unit: detectIndentUnit(text), newline }
  return { at: start, before: text.slice(start, end), after: formatJsonValue(value, layout || undefined) }
}

/** Removes a child with its comma. */
export function removeChild(text: string, container: Place, child: Child): Edit {
  const children = parseChildren(text, container)
  const index = children.findIndex(({ start }) => start === child.start)
  const [before, after] = [children[index - 1], children[index + 1]]
  const [from, to] = before
    ? [before.end, child.end]
    : after
      ? [child.from, after.from]
      : [container.start + 1, container.end - 1]
  return { at: from, before: text.slice(from, to), after: '' }
}

/** Sets members of an object; undefined removes one. Returns no edits where nothing changes. */
export function changeMembers(text: string, path: string, object: Place, values: Json): Edit[] {
  let now = text
  let end = object.end
  for (const [name, value] of Object.entries(values)) {
    const place = { start: object.start, end }
    const member = findMember(now, place, name, path)
    const edit = member ? changeMember(now, place, member, value) : addMember(now, place, name, value)
    if (!edit) continue
    now = applyEdits(now, [edit])
    end += edit.after.length - edit.before.length
  }
  const [before, after] = [text.slice(object.start, object.end), now.slice(object.start, end)]
  return before === after ? [] : [{ at: object.start, before, after }]
}

function changeMember(text: string, object: Place, member: Child, value: unknown): Edit | undefined {
  if (value === undefined) return removeChild(text, object, member)
  const said: unknown = JSON.parse(text.slice(member.start, member.end))
  return JSON.stringify(said) === JSON.stringify(value) ? undefined : replaceValue(text, member, value)
}

const addMember = (text: string, object: Place, name: string, value: unknown) =>
  value === undefined ? undefined : appendMembers(text, object, { [name]: value })
