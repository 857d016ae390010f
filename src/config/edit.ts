/**
 * The two changes that daypass makes to `config.yaml`. Lines are inserted or removed, and every other byte
 * stays. Where the file does not use block style (`providers: {}`), the YAML document is changed and written
 * again, with comments and order kept.
 */
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml'
import { DaypassError } from '../core/errors.ts'
import { checkConfig, createConfigurationError } from './parse.ts'
import { insertLines, removeLines } from './splice.ts'

const PATH = ['auth', 'providers'] as const

/** What `provider add` writes: the keys of `auth.providers.<name>`. */
export type ProviderDefinition = Readonly<Record<string, unknown>>

/** Returns the text with the provider added. Throws where the name exists or the definition is not valid. */
export function addProvider(text: string, name: string, definition: ProviderDefinition): string {
  const doc = parseEditable(text)
  if (hasProvider(doc, name)) {
    throw new DaypassError('configuration', `a provider "${name}" is configured already`, {
      advice: { verb: 'provider remove', args: [name] },
    })
  }
  const quick = insertLines(text, doc, [...PATH, name], definition)
  if (quick !== undefined && listProviderNames(quick)?.includes(name)) return quick
  if (!isMap(doc.contents)) doc.contents = createMap(doc, doc.contents)
  for (const depth of [1, 2]) ensureMap(doc, PATH.slice(0, depth))
  doc.setIn([...PATH, name], doc.createNode(definition))
  return assertValidConfig(formatDocument(doc, text))
}

/**
 * Returns the text without the provider and without blocks that became empty. Returns undefined where there
 * is no such provider.
 */
export function removeProvider(text: string, name: string): string | undefined {
  const doc = parseEditable(text)
  if (!hasProvider(doc, name)) return undefined
  const path = findEmptiedBlock(doc, [...PATH, name])
  const quick = removeLines(text, doc, path)
  if (quick !== undefined && listProviderNames(quick)?.includes(name) === false) return quick
  doc.deleteIn(path)
  return isMap(doc.contents) && doc.contents.items.length === 0
    ? ''
    : assertValidConfig(formatDocument(doc, text))
}

/** Parses without our `!env` tag, so that the tag is written again unchanged. */
function parseEditable(text: string): Document {
  assertValidConfig(text)
  return parseDocument(text, { logLevel: 'silent' }) as Document
}

/** A fault that exists before the change must not look like a result of it. */
function assertValidConfig(text: string): string {
  const { problems } = checkConfig(text, 'config.yaml')
  if (problems.length > 0) throw createConfigurationError(problems)
  return text
}

const hasProvider = (doc: Document, name: string) => isMap(doc.contents) && doc.hasIn([...PATH, name])

/** Returns undefined where the text is not valid. */
function listProviderNames(text: string): string[] | undefined {
  const { config } = checkConfig(text, 'config.yaml')
  return config && Object.keys(config.auth?.providers ?? {})
}

/** Returns the path of the highest block that would hold nothing else. */
function findEmptiedBlock(doc: Document, path: readonly string[]): readonly string[] {
  const parent = path.slice(0, -1)
  const block = parent.length === 0 ? undefined : doc.getIn(parent)
  return isMap(block) && block.items.length === 1 ? findEmptiedBlock(doc, parent) : path
}

/** Makes a map where `providers:` is empty or missing. */
function ensureMap(doc: Document, path: readonly string[]): void {
  const node = doc.getIn(path, true)
  if (isMap(node)) {
    if (node.items.length === 0) node.flow = false
  } else doc.setIn(path, createMap(doc, node))
}

/** Makes an empty map in place of an empty value and keeps its comments. */
function createMap(doc: Document, node: unknown): YAMLMap {
  const map = new YAMLMap(doc.schema)
  if (!isScalar(node)) return map
  if (node.commentBefore) map.commentBefore = node.commentBefore
  if (node.comment) map.comment = node.comment
  return map
}

/** Does not wrap lines. */
function formatDocument(doc: Document, text: string): string {
  const after = doc.toString({ lineWidth: 0 })
  return text.includes('\r\n') ? after.replace(/\r?\n/g, '\r\n') : after
}
