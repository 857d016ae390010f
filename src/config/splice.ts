/** Inserts lines into a YAML text, or removes them, without changing any other byte. */
import { type Document, isCollection, isMap, isScalar, type Pair, stringify, type YAMLMap } from 'yaml'

/** Returns the node where it is a block map with at least one line; `{ a: b }` is not a block. */
function findBlock(node: unknown): YAMLMap | undefined {
  return isMap(node) && !node.flow && node.items.length > 0 ? (node as YAMLMap) : undefined
}

/** Inserts lines. Returns undefined where the place is not in block style. */
export function insertLines(
  text: string,
  doc: Document,
  path: readonly string[],
  value: unknown,
): string | undefined {
  let depth = 0
  let block = findBlock(doc.contents)
  for (let inner = block; inner !== undefined; depth++) {
    block = inner
    if (!block.has(path[depth])) break
    inner = findBlock(block.get(path[depth]))
    if (inner === undefined) return undefined
  }
  const column = block && findColumn(text, block.items[0]!)
  const end = block && findEnd(block)
  if (column === undefined || end === undefined) return undefined
  const nested = path.slice(depth).reduceRight((inside: unknown, key) => ({ [key]: inside }), value)
  return spliceLines(text, end, stringify(nested, { lineWidth: 0, indent: detectIndent(text) }), column)
}

function spliceLines(text: string, end: number, lines: string, column: number): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const shifted =
    lines
      .trimEnd()
      .split('\n')
      .map((line) => ' '.repeat(column) + line)
      .join(newline) + newline
  const at = findNextLine(text, end)
  const before = text.slice(0, at)
  return (before.endsWith('\n') ? before : before + newline) + shifted + text.slice(at)
}

/** Removes the lines of a key. Returns undefined where the place is not in block style. */
export function removeLines(text: string, doc: Document, path: readonly string[]): string | undefined {
  const parent = path.length === 1 ? doc.contents : doc.getIn(path.slice(0, -1))
  const block = findBlock(parent)
  const pair = block?.items.find((each) => isScalar(each.key) && each.key.value === path.at(-1))
  const column = pair && findColumn(text, pair)
  const end = pair && findEnd(pair)
  if (column === undefined || end === undefined) return undefined
  const start = findKeyOffset(pair!)! - column
  return text.slice(0, start) + text.slice(findNextLine(text, end))
}

function findKeyOffset(pair: Pair): number | undefined {
  return isScalar(pair.key) ? pair.key.range?.[0] : undefined
}

/** Returns the indentation of a key; undefined where other text stands before it on the line. */
function findColumn(text: string, pair: Pair): number | undefined {
  const offset = findKeyOffset(pair)
  if (offset === undefined) return undefined
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return /^ *$/.test(text.slice(start, offset)) ? offset - start : undefined
}

/** Returns the end of the last leaf, because the range of a block includes the comments after it. */
function findEnd(node: unknown): number | undefined {
  if (isCollection(node) && !node.flow && node.items.length > 0) return findEnd(node.items.at(-1))
  if (typeof node !== 'object' || node === null) return undefined
  if (!('key' in node)) return (node as { range?: readonly number[] | null }).range?.[1]
  const { key, value } = node as Pair
  return Math.max(findEnd(key) ?? -1, findEnd(value) ?? -1)
}

/** Returns the start of the next line. A block of text (`|`) already ends there. */
function findNextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset
  const newline = text.indexOf('\n', offset)
  return newline === -1 ? text.length : newline + 1
}

/** Returns the indentation of the first indented line. */
function detectIndent(text: string): number {
  return Math.min(/^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2, 8)
}
