/** Lines put into a YAML text, or taken out of it, so that nothing else in it moves. */
import { type Document, isCollection, isMap, isScalar, type Pair, stringify, type YAMLMap } from 'yaml'

/** A block of lines: `{ a: b }` is none, and neither is one without a line. */
function findBlock(node: unknown): YAMLMap | undefined {
  return isMap(node) && !node.flow && node.items.length > 0 ? (node as YAMLMap) : undefined
}

/** `undefined`: the place is not written in lines. */
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

/** `undefined`: the place is not written in lines. */
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

/** How far a key is indented; `undefined` when something else stands before it. */
function findColumn(text: string, pair: Pair): number | undefined {
  const offset = findKeyOffset(pair)
  if (offset === undefined) return undefined
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return /^ *$/.test(text.slice(start, offset)) ? offset - start : undefined
}

/** Where the last thing in it ends. The ranges of blocks take following comments along, so their last leaf counts. */
function findEnd(node: unknown): number | undefined {
  if (isCollection(node) && !node.flow && node.items.length > 0) return findEnd(node.items.at(-1))
  if (typeof node !== 'object' || node === null) return undefined
  if (!('key' in node)) return (node as { range?: readonly number[] | null }).range?.[1]
  const { key, value } = node as Pair
  return Math.max(findEnd(key) ?? -1, findEnd(value) ?? -1)
}

/** The start of the line after a place; a block of text (`|`) ends at one already. */
function findNextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset
  const newline = text.indexOf('\n', offset)
  return newline === -1 ? text.length : newline + 1
}

/** As the file does it: what the first indented line has. */
function detectIndent(text: string): number {
  return Math.min(/^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2, 8)
}
