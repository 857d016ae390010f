/**
 * The two changes that daypass itself makes to `config.yaml`. Lines are put in or taken out and every other byte
 * stays; where the file is not written in lines (`providers: {}`), the YAML document is changed and written anew,
 * comments and order kept.
 */
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml'
import { DaypassError } from '../core/errors.ts'
import { checkConfig, createConfigurationError } from './parse.ts'
import { insertLines, removeLines } from './splice.ts'

const PATH = ['auth', 'providers'] as const

/** What `provider add` writes: keys of `auth.providers.<name>`, as they stand in the file. */
export type ProviderDefinition = Readonly<Record<string, unknown>>

/** The text with the provider in it. One that is there already, or a definition that is not right, is an error. */
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

/** `undefined`: there is no such provider. Blocks that become empty go too. */
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

/** Without our `!env` tag: the node keeps the tag as it is written, and so it is written again. */
function parseEditable(text: string): Document {
  assertValidConfig(text)
  return parseDocument(text, { logLevel: 'silent' }) as Document
}

/** A mistake that is there before would be ours afterwards. */
function assertValidConfig(text: string): string {
  const { problems } = checkConfig(text, 'config.yaml')
  if (problems.length > 0) throw createConfigurationError(problems)
  return text
}

const hasProvider = (doc: Document, name: string) => isMap(doc.contents) && doc.hasIn([...PATH, name])

/** `undefined`: the text is not right. */
function listProviderNames(text: string): string[] | undefined {
  const { config } = checkConfig(text, 'config.yaml')
  return config && Object.keys(config.auth?.providers ?? {})
}

/** The highest block that would hold nothing else. */
function findEmptiedBlock(doc: Document, path: readonly string[]): readonly string[] {
  const parent = path.slice(0, -1)
  const block = parent.length === 0 ? undefined : doc.getIn(parent)
  return isMap(block) && block.items.length === 1 ? findEmptiedBlock(doc, parent) : path
}

/** `providers:` with nothing under it, or no such key. */
function ensureMap(doc: Document, path: readonly string[]): void {
  const node = doc.getIn(path, true)
  if (isMap(node)) {
    if (node.items.length === 0) node.flow = false
  } else doc.setIn(path, createMap(doc, node))
}

/** An empty map in the place of nothing, with the comments that stood there. */
function createMap(doc: Document, node: unknown): YAMLMap {
  const map = new YAMLMap(doc.schema)
  if (!isScalar(node)) return map
  if (node.commentBefore) map.commentBefore = node.commentBefore
  if (node.comment) map.comment = node.comment
  return map
}

/** No line broken that was whole. */
function formatDocument(doc: Document, text: string): string {
  const after = doc.toString({ lineWidth: 0 })
  return text.includes('\r\n') ? after.replace(/\r?\n/g, '\r\n') : after
}
