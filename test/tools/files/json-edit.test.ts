import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEdits } from '../../../src/tools/files/edits.ts'
import {
  appendMembers,
  changeMembers,
  findMember,
  findRoot,
  type Json,
  parseChildren,
  parseObject,
  removeChild,
} from '../../../src/tools/files/json-edit.ts'
import { runs } from '../../fuzz.ts'
import { failure } from '../../vault/support.ts'

const layouts = fc.constantFrom<(value: unknown) => string>(
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value, null, '\t'),
  (value) => JSON.stringify(value, null, 2),
  (value) => `\r\n${JSON.stringify(value, null, 4).replaceAll('\n', '\r\n')}\r\n`,
  (value) => JSON.stringify(value).replaceAll(/[{}[\],:]/g, ' $& '),
)
const names = fc.string({ unit: fc.constantFrom(...'ab"\\{}[]:, \n') })
/** JSON has no -0. */
const values = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const objects = fc.dictionary(names, values, { maxKeys: 6, noNullPrototype: true })

describe('places', () => {
  test('are those of all members, however they are laid out', () => {
    fc.assert(
      fc.property(objects, layouts, (object, layout) => {
        // Text in which a layout changes what stands between quotes is another object.
        const text = layout(object)
        const said = JSON.parse(text) as Json
        const found = parseChildren(text, findRoot(text)).map(({ name, start, end }) => [
          name,
          JSON.parse(text.slice(start, end)),
        ])
        expect(found).toEqual(Object.entries(said))
      }),
      runs(300),
    )
  })

  test('of a list and of what has none', () => {
    const text = '[1, [2, 3], {"a": "]"}, "x"]'
    const items = parseChildren(text, findRoot(text)).map(({ start, end }) => text.slice(start, end))
    expect(items).toEqual(['1', '[2, 3]', '{"a": "]"}', '"x"'])
    expect(parseChildren('7', findRoot('7'))).toEqual([])
    expect(parseChildren('[]', findRoot('[]'))).toEqual([])
  })

  test('a name that stands twice is refused', async () => {
    const text = '{\n"a": 1,\n"a": 2}'
    const error = await failure(() => findMember(text, findRoot(text), 'a', '/f'), 'configuration')
    expect(error.message).toBe('"a" stands twice in /f, in lines 2 and 3')
  })

  test('text of any size and depth is read', () => {
    const long = `{"a": "${'\\"'.repeat(500_000)}", "b": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    expect(parseChildren(long, findRoot(long)).map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('changes', () => {
  test('do what they say and touch nothing else', () => {
    fc.assert(
      fc.property(objects, layouts, values, fc.nat(5), (object, layout, value, at) => {
        const text = layout(object)
        const before = JSON.parse(text) as Json
        const victim = Object.keys(before)[at]
        const put = applyEdits(text, changeMembers(text, '/f', findRoot(text), { 'a new one': value }))
        expect(JSON.parse(put)).toEqual({ ...before, 'a new one': value })
        const gone = applyEdits(put, changeMembers(put, '/f', findRoot(put), { 'a new one': undefined }))
        if (Object.keys(before).length > 0) expect(gone).toBe(text)
        if (victim === undefined) return
        const { [victim]: _, ...rest } = before
        const without = applyEdits(text, changeMembers(text, '/f', findRoot(text), { [victim]: undefined }))
        expect(JSON.parse(without)).toEqual(rest)
        const other = applyEdits(text, changeMembers(text, '/f', findRoot(text), { [victim]: value }))
        expect(JSON.parse(other)).toEqual({ ...before, [victim]: value })
      }),
      runs(300),
    )
  })

  test.each([
    ['{}', '{"a":1}'],
    ['{\n}', '{\n\t"a": 1\n}'],
    ['{\n\t"b": {}\n}', '{\n\t"b": {},\n\t"a": 1\n}'],
    ['{\r\n  "b": 2\r\n}\r\n', '{\r\n  "b": 2,\r\n  "a": 1\r\n}\r\n'],
    ['{ "b": 2 }', '{ "b": 2, "a":1 }'],
    ['{"b":2}', '{"b":2,"a":1}'],
  ])('are laid out as what is there: %j', (text, then) => {
    expect(applyEdits(text, [appendMembers(text, findRoot(text), { a: 1 })])).toBe(then)
  })

  test('an item goes with its comma', () => {
    const text = '{"l": [1, 2 , 3]}'
    const list = findMember(text, findRoot(text), 'l', '/f')!
    const without = (index: number) =>
      applyEdits(text, [removeChild(text, list, parseChildren(text, list)[index]!)])
    expect([0, 1, 2].map(without)).toEqual(['{"l": [2 , 3]}', '{"l": [1 , 3]}', '{"l": [1, 2]}'])
  })
})

test.each([
  ['{"a": hush}', /^\/f cannot be read: it is no JSON( \(line 1\))?$/],
  ['{"a": 1,\n"hush"}', /^\/f cannot be read: it is no JSON( \(line 2\))?$/],
  ['', /it is no JSON/],
  ['[]', /it is no JSON object/],
  ['\ufeff{}', /it is no JSON/],
])('what is no object is said without a word of it: %j', async (text, said) => {
  const error = await failure(() => parseObject(text, '/f'), 'configuration')
  expect(error.message).toMatch(said)
  expect(error.cause).toBe(undefined)
})
