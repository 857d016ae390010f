/** The users of a kubeconfig, put in and taken out as lines, so that nothing else in it moves. */
import { existsSync } from 'node:fs'
import { posix, win32 } from 'node:path'
import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml'
import { DaypassError } from '../../core/errors.ts'
import { type Edit, lineEndOf } from '../files/edits.ts'
import { type Env, inHome } from '../files/expand-home.ts'

/** The files that kubectl reads, and of those the one that it writes a new user to. */
export function kubeconfigPaths(
  env: Env,
  platform: NodeJS.Platform = process.platform,
): { path: string; others: string[] } {
  const { delimiter } = platform === 'win32' ? win32 : posix
  const said = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean)
  const all = said.length > 0 ? said : [inHome(env, platform, '.kube', 'config')]
  const path = all.find((each) => existsSync(each)) ?? all.at(-1)!
  return { path, others: all.filter((each) => each !== path) }
}

export interface User {
  name: string
  user: unknown
}

/** A user, and its lines in the text: from the one with the dash on. */
interface Found extends User {
  start: number
  end: number
}

export interface Kubeconfig {
  /** All that it says. */
  said: Record<string, unknown>
  users: readonly Found[]
  /** Puts a user in, at the end of them all. `undefined`: they are not written in lines. */
  added(user: User): Edit | undefined
  /** The lines of a user; of none: they are gone. */
  replaced(found: Found, by: User | undefined): Edit
}

export function readKubeconfig(text: string, path: string): Kubeconfig {
  const doc = parseDocument(text, { logLevel: 'silent', version: '1.1' }) as Document
  // What the parser says of it may quote a token.
  if (doc.errors.length > 0) throw notYaml(path, `it is no YAML (line ${doc.errors[0]!.linePos?.[0].line})`)
  const { contents } = doc
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null)
  if (!isEmpty && !isMap(contents)) throw notYaml(path, 'it is no map')
  const list = isMap(contents) ? contents.get('users', true) : undefined
  const items: readonly unknown[] = isSeq(list) ? list.items : []
  const users = items.flatMap((item) => foundIn(text, doc, item))
  return {
    said: isEmpty ? {} : (doc.toJS() as Record<string, unknown>),
    users,
    added: (user) => addition(text, isMap(contents) ? contents : undefined, users, user),
    replaced(found, by) {
      const before = text.slice(found.start, found.end)
      const column = /^ */.exec(before)![0].length
      // kubectl takes a list without an item for one that is not there.
      return { at: found.start, before, after: by ? linesOf(text, by, column) : '' }
    },
  }
}

function notYaml(path: string, why: string): DaypassError {
  return new DaypassError('configuration', `${path} cannot be read: ${why}`, {
    hint: 'mend it, then try again: kubectl config view',
  })
}

function foundIn(text: string, doc: Document, item: unknown): Found[] {
  if (!isMap(item)) return []
  const { name, user } = item.toJS(doc) as Record<string, unknown>
  const [from] = item.range ?? []
  const last = endOf(item)
  if (typeof name !== 'string' || from === undefined || last === undefined) return []
  const dash = text.lastIndexOf('-', from)
  return [{ name, user, start: text.lastIndexOf('\n', dash) + 1, end: nextLine(text, last) }]
}

/** Where the last thing in it ends. The range of a block takes the comments behind it along. */
function endOf(node: unknown): number | undefined {
  if (isCollection(node) && !node.flow && node.items.length > 0) return endOf(node.items.at(-1))
  if (typeof node !== 'object' || node === null) return undefined
  if (!('key' in node)) return (node as { range?: readonly number[] | null }).range?.[1]
  const { key, value } = node as { key: unknown; value: unknown }
  return Math.max(endOf(key) ?? -1, endOf(value) ?? -1)
}

/** A block of text (`|`) ends at the start of a line already. */
function nextLine(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at
  const newline = text.indexOf('\n', at)
  return newline === -1 ? text.length : newline + 1
}

function addition(
  text: string,
  root: YAMLMap | undefined,
  users: readonly Found[],
  user: User,
): Edit | undefined {
  const newline = lineEndOf(text)
  const atEnd = (at: number, lines: string) => {
    const isCut = at > 0 && text[at - 1] !== '\n'
    return { at, before: '', after: `${isCut ? newline : ''}${lines}` }
  }
  if (!root)
    return atEnd(
      text.length,
      `apiVersion: v1${newline}kind: Config${newline}users:${newline}${linesOf(text, user, 0)}`,
    )
  const pair = root.items.find(({ key }) => isScalar(key) && key.value === 'users')
  if (root.flow) return undefined
  if (!pair) return atEnd(text.length, `users:${newline}${linesOf(text, user, 0)}`)
  const last = users.at(-1)
  if (last && isSeq(pair.value) && !pair.value.flow) {
    const column = /^ */.exec(text.slice(last.start))![0].length
    return atEnd(last.end, linesOf(text, user, column))
  }
  return inPlaceOfNothing(text, pair, user)
}

/** `users: []`, `users: null`, `users:`. */
function inPlaceOfNothing(
  text: string,
  { key, value }: YAMLMap['items'][number],
  user: User,
): Edit | undefined {
  const isNothing = (isSeq(value) && value.items.length === 0) || (isScalar(value) && value.value === null)
  const at = text.indexOf(':', (key as { range?: readonly number[] }).range?.[1]) + 1
  const line = /^[^\r\n]*(?:\r?\n|$)/.exec(text.slice(at))![0]
  if (!isNothing || !/^\s*(?:\[\s*\]|null|~)?\s*$/.test(line)) return undefined
  return { at, before: line, after: `${lineEndOf(text)}${linesOf(text, user, 0)}` }
}

/** Each line ends with the text's own line end. */
function linesOf(text: string, user: User, column: number): string {
  // YAML 1.1 is what kubectl reads: to it `on` and `yes` are no texts.
  const lines = stringify([user], { lineWidth: 0, indentSeq: false, version: '1.1' }).trimEnd().split('\n')
  return lines.map((line) => `${' '.repeat(column)}${line}${lineEndOf(text)}`).join('')
}
