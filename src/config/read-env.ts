/** Reads `!env` references when an identity is used. The values must pass the rules of their fields. */
import * as v from 'valibot'
import { DaypassError } from '../core/errors.ts'
import { isEnvRef, type Substituted, substituteRefs } from './env-tag.ts'
import { type Identity, identitySchema, type Provider, providerSchema } from './schema.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads the references of an identity. An unset or empty variable is treated as a missing key; a key pair
 * needs both values or none.
 */
export function readIdentity(name: string, identity: Identity, env: Env): Substituted<Identity> {
  const read = substituteReferences(`auth.identities.${name}`, identitySchema, identity, env)
  const { access_key_id, secret_access_key } = read.credentials ?? {}
  if ((access_key_id === undefined) !== (secret_access_key === undefined)) {
    const [have, lack] = access_key_id ? PAIR : PAIR.toReversed()
    const ref = identity.credentials?.[lack!]
    const variable = isEnvRef(ref) ? ref.env : ''
    throw new DaypassError(
      'configuration',
      `${have} of ${name} is set, but ${lack} is not: $${variable} is empty`,
      {
        hint: `export ${variable}=…, or unset the variable of ${have} too`,
      },
    )
  }
  return read
}

const PAIR = ['access_key_id', 'secret_access_key'] as const

export function readProvider(name: string, provider: Provider, env: Env): Substituted<Provider> {
  return substituteReferences(`auth.providers.${name}`, providerSchema, provider, env)
}

function substituteReferences<T>(path: string, schema: v.GenericSchema, value: T, env: Env): Substituted<T> {
  const variables = new Map<string, string>()
  const read = substituteRefs(value, env, variables)
  const result = v.safeParse(schema, convertNumbersToText(read))
  const issue = result.issues?.find((each) => variables.has(v.getDotPath(each) ?? ''))
  if (issue === undefined) return read
  const key = v.getDotPath(issue)!
  const said = issue.message.includes('{in}') ? issue.message : 'something else is expected in {in}'
  throw new DaypassError(
    'configuration',
    `${said.replace('{in}', `${path}.${key}`)}, read from $${variables.get(key)}`,
    {
      hint: `set ${variables.get(key)} to what is expected, or unset it`,
    },
  )
}

/** The field rules expect ports as text, as in the file. */
function convertNumbersToText(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, item) => (typeof item === 'number' ? String(item) : item))
}
