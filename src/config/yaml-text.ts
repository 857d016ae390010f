/**
 * YAML with three differences: a plain number stays the text it was written as (an account `012345678901` is
 * not a number), `!env NAME` is a reference, and messages are our own. The parser's messages quote the file,
 * which may show a secret.
 */

import type { ScalarTag, Tags, YAMLError, YAMLMap } from 'yaml'
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import { createEnvRef, isVariableName } from './env-tag.ts'
import { BLOCKS } from './schema.ts'

export type Path = readonly (string | number)[]

export interface Position {
  line: number
  column: number
}

interface YamlMistake extends Position {
  message: string
}

export interface YamlText {
  /** Plain values; undefined where the text cannot be parsed. */
  value: unknown
  mistakes: YamlMistake[]
  /** Returns the position of a key or its value, or of the nearest existing block around it. */
  locate(path: Path, on: 'key' | 'value'): Position
}

const MISTAKES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias that YAML does not allow here',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a character that needs quotes around its text',
  BLOCK_AS_IMPLICIT_KEY: 'a block where one line was expected; check the colons and the indentation',
  DUPLICATE_KEY: 'the same key stands here twice',
  MISSING_CHAR: 'a quote, bracket, comma or space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; check the colons and the indentation',
  MULTIPLE_DOCS: 'a second document begins here; only one is read',
  TAB_AS_INDENT: 'a tab used for indentation; use spaces',
  TAG_RESOLVE_FAILED: 'a tag that is not known; the only one is !env NAME',
}

/** After these errors the rest of the file is still understood. */
const HARMLESS: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'])

const envTag: ScalarTag = {
  tag: '!env',
  resolve(source, onError) {
    if (isVariableName(source)) return createEnvRef(source)
    onError('not the name of an environment variable')
    // Reports the fault once: a reference is valid wherever text is.
    return createEnvRef('')
  },
}

const extendTags = (known: Tags): Tags => [
  ...known.filter((tag) => typeof tag === 'string' || !/:(int|float)$/.test(tag.tag)),
  envTag,
]

export function parseYaml(text: string): YamlText {
  try {
    return parseYamlDocument(text, countLines(text))
  } catch {
    // Nesting beyond the stack, too many aliases, or an alias without a target. The error may quote the file.
    const mistakes = [{ line: 1, column: 1, message: 'not YAML that can be read (nesting or aliases)' }]
    return { value: undefined, mistakes, locate: () => ({ line: 1, column: 1 }) }
  }
}

/** Counts lines here, because the parser's count is wrong after text that it skipped. */
function countLines(text: string): LineCounter {
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1)
  return lines
}

function parseYamlDocument(text: string, lines: LineCounter): YamlText {
  const doc = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: true,
    customTags: extendTags,
    prettyErrors: false,
    stringKeys: true,
  })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const wrong: YAMLError[] = [...doc.errors, ...doc.warnings]
  const mistakes = wrong.map((each) => ({
    ...at(each.pos[0]),
    message: MISTAKES[each.code] ?? 'not valid YAML',
  }))
  const locate = (path: Path, on: 'key' | 'value') => at(findOffset(doc, path, on))
  if (wrong.some((each) => !HARMLESS.has(each.code))) return { value: undefined, mistakes, locate }
  removeEmptyBlocks(doc)
  return { value: doc.toJS({ maxAliasCount: 50 }) ?? {}, mistakes, locate }
}

/** A block such as `credentials:` with all lines commented out is empty, not a wrong type. */
function removeEmptyBlocks(doc: Document): void {
  visit(doc, {
    Map(_key, map) {
      map.items = map.items.filter((pair) => {
        const empty = pair.value === null || (isScalar(pair.value) && pair.value.value === null)
        return !(empty && isScalar(pair.key) && BLOCKS.has(String(pair.key.value)))
      })
    },
  })
}

function findOffset(doc: Document, path: Path, on: 'key' | 'value'): number {
  let node = doc.contents as Node | null
  let offset = node?.range?.[0] ?? 0
  for (const [index, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(doc) ?? null
    const found = findChild(node, segment)
    if (found === undefined) break
    const asked = on === 'value' && index === path.length - 1
    offset =
      (asked ? findValueOffset(found.value) : undefined) ??
      found.key ??
      findValueOffset(found.value) ??
      offset
    node = found.value
  }
  return offset
}

function findChild(
  node: Node | null,
  segment: string | number,
): { key?: number; value: Node | null } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(segment)] as Node | undefined
    return item === undefined ? undefined : { value: item }
  }
  const pair = isMap(node)
    ? (node as YAMLMap<Node, Node | null>).items.find(
        (each) => isScalar(each.key) && String(each.key.value) === String(segment),
      )
    : undefined
  if (pair === undefined) return undefined
  const key = pair.key.range?.[0]
  return key === undefined ? { value: pair.value } : { key, value: pair.value }
}

/** Returns undefined for an empty value, which has no position of its own. */
function findValueOffset(node: Node | null): number | undefined {
  const range = node?.range
  return range && range[1] > range[0] ? range[0] : undefined
}
