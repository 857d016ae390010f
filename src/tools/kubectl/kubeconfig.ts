/** Adds and removes users of a kubeconfig as lines, so that the rest stays unchanged. */
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
import { detectLineEnd, type Edit } from '../files/edits.ts'
import { type Env, resolveInHome } from '../files/expand-home.ts'

/** Returns the files that kubectl reads, and the one where it writes a new user. */
export function resolveKubeconfigPaths(
  env: Env,
  platform: NodeJS.Platform = process.platform,
): { path: string; others: string[] } {
  const { delimiter } = platform === 'win32' ? win32 : posix
  const said = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean)
  const all = said.length > 0 ? said : [resolveInHome(env, platform, '.kube', 'config')]
  const path = all.find((each) => existsSync(each)) ?? all.at(-1)!
  return { path, others: all.filter((each) => each !== path) }
}

export interface KubeUser {
  name: string
  user: unknown
}

/** A user, and its lines in the text, from the line with the dash. */
interface FoundUser extends KubeUser {
  start: number
  end: number
}

export interface Kubeconfig {
  /** The parsed content. */
  content: Record<string, unknown>
  users: readonly FoundUser[]
  /** Adds a user at the end. Returns undefined where the list is not written in lines. */
  addUser(user: KubeUser): Edit | undefined
  /** Replaces the lines of a user; `by` undefined removes them. */
  replaceUser(found: FoundUser, by: KubeUser | undefined): Edit
}

export function parseKubeconfig(text: string, path: string): Kubeconfig {
  const doc = parseDocument(text, { logLevel: 'silent', version: '1.1' }) as Document
  // The parser's message may quote a token.
  if (doc.errors.length > 0)
    throw createNotYamlError(path, `it is no YAML (line ${doc.errors[0]!.linePos?.[0].line})`)
  const { contents } = doc
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null)
  if (!isEmpty && !isMap(contents)) throw createNotYamlError(path, 'it is no map')
  const list = isMap(contents) ? contents.get('users', true) : undefined
  const items: readonly unknown[] = isSeq(list) ? list.items : []
  const users = items.flatMap((item) => locateUser(text, doc, item))
  return {
    content: isEmpty ? {} : (doc.toJS() as Record<string, unknown>),
    users,
    addUser: (user) => addUserLines(text, isMap(contents) ? contents : undefined, users, user),
    replaceUser(found, by) {
      const before = text.slice(found.start, found.end)
      const column = /^ */.exec(before)![0].length
      // kubectl treats an empty list like a missing one.
      return { at: found.start, before, after: by ? formatUserLines(text, by, column) : '' }
    },
  }
}

function createNotYamlError(path: string, why: string): DaypassError {
  return new DaypassError('configuration', `${path} cannot be read: ${why}`, {
    hint: 'mend it, then try again: kubectl config view',
  })
}

function locateUser(text: string, doc: Document, item: unknown): FoundUser[] {
  if (!isMap(item)) return []
  const { name, user } = item.toJS(doc) as Record<string, unknown>
  const [from] = item.range ?? []
  const last = findNodeEnd(item)
  if (typeof name !== 'string' || from === undefined || last === undefined) return []
  const dash = text.lastIndexOf('-', from)
  return [{ name, user, start: text.lastIndexOf('\n', dash) + 1, end: findNextLine(text, last) }]
}

/** Returns the offset of the last content. The range of a block would include comments after it. */
function findNodeEnd(node: unknown): number | undefined {
  if (isCollection(node) && !node.flow && node.items.length > 0) return findNodeEnd(node.items.at(-1))
  if (typeof node !== 'object' || node === null) return undefined
  if (!('key' in node)) return (node as { range?: readonly number[] | null }).range?.[1]
  const { key, value } = node as { key: unknown; value: unknown }
  return Math.max(findNodeEnd(key) ?? -1, findNodeEnd(value) ?? -1)
}

/** Returns the start of the next line; a block of text (`|`) already ends at one. */
function findNextLine(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at
  const newline = text.indexOf('\n', at)
  return newline === -1 ? text.length : newline + 1
}

function addUserLines(
  text: string,
  root: YAMLMap | undefined,
  users: readonly FoundUser[],
  user: KubeUser,
): Edit | undefined {
  const newline = detectLineEnd(text)
  const insertAt = (at: number, lines: string) => {
    const isCut = at > 0 && text[at - 1] !== '\n'
    return { at, before: '', after: `${isCut ? newline : ''}${lines}` }
  }
  if (!root)
    return insertAt(
      text.length,
      `apiVersion: v1${newline}kind: Config${newline}users:${newline}${formatUserLines(text, user, 0)}`,
    )
  const pair = root.items.find(({ key }) => isScalar(key) && key.value === 'users')
  if (root.flow) return undefined
  if (!pair) return insertAt(text.length, `users:${newline}${formatUserLines(text, user, 0)}`)
  const last = users.at(-1)
  if (last && isSeq(pair.value) && !pair.value.flow) {
    const column = /^ */.exec(text.slice(last.start))![0].length
    return insertAt(last.end, formatUserLines(text, user, column))
  }
  return replaceEmptyUsers(text, pair, user)
}

/** Replaces `users: []`, `users: null` or `users:`. */
function replaceEmptyUsers(
  text: string,
  { key, value }: YAMLMap['items'][number],
  user: KubeUser,
): Edit | undefined {
  const isNothing = (isSeq(value) && value.items.length === 0) || (isScalar(value) && value.value === null)
  const at = text.indexOf(':', (key as { range?: readonly number[] }).range?.[1]) + 1
  const line = /^[^\r\n]*(?:\r?\n|$)/.exec(text.slice(at))![0]
  if (!isNothing || !/^\s*(?:\[\s*\]|null|~)?\s*$/.test(line)) return undefined
  return { at, before: line, after: `${detectLineEnd(text)}${formatUserLines(text, user, 0)}` }
}

/** Formats a user with the line end of the text. */
function formatUserLines(text: string, user: KubeUser, column: number): string {
  // kubectl reads YAML 1.1, in which `on` and `yes` are no texts.
  const lines = stringify([user], { lineWidth: 0, indentSeq: false, version: '1.1' }).trimEnd().split('\n')
  return lines.map((line) => `${' '.repeat(column)}${line}${detectLineEnd(text)}`).join('')
}
