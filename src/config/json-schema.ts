/**
 * The JSON Schema for editors, made from the schema that reads the file. The program itself does not load it.
 */
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema'
import type * as v from 'valibot'
import { BUILT_IN_PROVIDERS, listKinds } from '../providers/registry.ts'
import { port } from './fields.ts'
import { configSchema, kind } from './schema.ts'

export function createConfigJsonSchema(): JsonSchema {
  const schema = toJsonSchema(configSchema, {
    typeMode: 'input',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      overrideJsonSchema(valibotSchema as v.GenericSchema, jsonSchema),
  })
  return { ...schema, title: 'config.yaml of daypass' }
}

const KINDS: JsonSchema[] = [
  { enum: BUILT_IN_PROVIDERS.flatMap(listKinds) },
  { pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]*/user$' },
]

/**
 * Adds what our schemas cannot express: kinds are open, a port is a number, and `!env` is text to an editor.
 */
function overrideJsonSchema(schema: v.GenericSchema, converted: JsonSchema): JsonSchema | undefined {
  if (schema === unwrapPipe(port)) return { type: 'integer', minimum: 1, maximum: 65_535 }
  if (schema === unwrapPipe(kind)) return { ...converted, anyOf: KINDS }
  const options = (schema as { options?: readonly v.GenericSchema[] }).options
  const isText = schema.type === 'union' && options?.some((option) => option.type === 'custom')
  if (!isText) return undefined
  const about = converted.description === undefined ? {} : { description: converted.description }
  // A number without quotes is read as text: account_id: 123456789012.
  return { type: ['string', 'number'], ...about }
}

/** The generator passes pipes in parts, so a pipe is recognized by its first part. */
function unwrapPipe(schema: unknown): unknown {
  const pipe = (schema as { pipe?: readonly unknown[] }).pipe
  return pipe === undefined ? schema : unwrapPipe(pipe[0])
}
