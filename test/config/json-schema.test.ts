import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createConfigJsonSchema } from '../../src/config/json-schema.ts'
import { EXAMPLE } from './example.ts'

const FILE = fileURLToPath(new URL('../../schema/config.schema.json', import.meta.url))

/** Mend with: UPDATE=1 npx vitest run test/config/json-schema.test.ts */
test('the shipped JSON Schema is the one of the program', () => {
  const text = `${JSON.stringify(createConfigJsonSchema(), null, 2)}\n`
  if (process.env.UPDATE) writeFileSync(FILE, text)
  expect(readFileSync(FILE, 'utf8')).toBe(text)
})

test('it accepts the whole example, and refuses what is not in it', () => {
  const read = (text: string) =>
    parse(text, { customTags: [{ tag: '!env', resolve: (name: string) => name }] })
  const schema = createConfigJsonSchema() as Schema
  expect(faults(schema, read(EXAMPLE), '')).toEqual([])
  expect(faults(schema, read(EXAMPLE.replace('region:', 'regoin:')), '')).toEqual([
    '/auth/identities/my-user/credentials/regoin: unknown',
  ])
  expect(faults(schema, read(EXAMPLE.replace('8766', '"x"')), '')).toEqual([
    '/auth/providers/acme-id/redirect/ports/1: type',
  ])
  expect(faults(schema, read(EXAMPLE.replace('kind: passport/user', 'kind: passport')), '')).toEqual([
    '/auth/identities/shop/kind: anyOf',
  ])
  expect(faults(schema, read('auth: {identities: {a: {}}}'), '')).toEqual(['/auth/identities/a: lacks kind'])
})

test('every key says what it is for', () => {
  const silent: string[] = []
  const walk = (schema: Schema, path: string): void => {
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      if (!inner.description) silent.push(`${path}/${key}`)
      walk(inner, `${path}/${key}`)
    }
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${path}/*`)
  }
  walk(createConfigJsonSchema() as Schema, '')
  expect(silent).toEqual([])
})

interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  required?: string[]
  items?: Schema
  enum?: unknown[]
  anyOf?: Schema[]
  pattern?: string
  minimum?: number
  maximum?: number
  description?: string
}

const UNDERSTOOD = new Set(
  '$schema title description type properties additionalProperties propertyNames required items enum anyOf pattern minimum maximum'.split(
    ' ',
  ),
)

/** As much of JSON Schema as ours uses; a keyword it does not know fails the test. */
function faults(schema: Schema, value: unknown, path: string): string[] {
  for (const keyword of Object.keys(schema)) expect(UNDERSTOOD).toContain(keyword)
  const types = schema.type === undefined ? undefined : [schema.type].flat()
  if (types && !types.some((type) => hasType(value, type))) return [`${path}: type`]
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: enum`]
  if (schema.anyOf && !schema.anyOf.some((each) => faults(each, value, path).length === 0))
    return [`${path}: anyOf`]
  if (schema.pattern && !new RegExp(schema.pattern).test(String(value))) return [`${path}: pattern`]
  if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)))
    return [`${path}: range`]
  if (Array.isArray(value))
    return value.flatMap((item, i) => faults(schema.items ?? {}, item, `${path}/${i}`))
  return typeof value === 'object' && value !== null ? blockFaults(schema, value, path) : []
}

function blockFaults(schema: Schema, value: object, path: string): string[] {
  const lacking = (schema.required ?? [])
    .filter((key) => !(key in value))
    .map((key) => `${path}: lacks ${key}`)
  const inner = Object.entries(value).flatMap(([key, item]) => {
    const known = schema.properties?.[key]
    if (known) return faults(known, item, `${path}/${key}`)
    if (schema.additionalProperties === false) return [`${path}/${key}: unknown`]
    return typeof schema.additionalProperties === 'object'
      ? faults(schema.additionalProperties, item, `${path}/${key}`)
      : []
  })
  return [...lacking, ...inner]
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
