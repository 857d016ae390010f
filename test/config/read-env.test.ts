import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { readIdentity, readProvider } from '../../src/config/read-env.ts'
import { runs } from '../fuzz.ts'
import { EXAMPLE } from './example.ts'

const { identities, providers } = parseConfig(EXAMPLE, 'config.yaml').auth!
const mine = identities!['my-user']!

describe('references are read when the identity is used', () => {
  test('both set', () => {
    const env = { MY_AWS_ACCESS_KEY_ID: 'AKIA', MY_AWS_SECRET_ACCESS_KEY: 'wJalr' }
    expect(readIdentity('my-user', mine, env).credentials).toMatchObject({
      access_key_id: 'AKIA',
      secret_access_key: 'wJalr',
    })
  })

  test('both unset, or empty: none', () => {
    const read = readIdentity('my-user', mine, { MY_AWS_ACCESS_KEY_ID: '' })
    expect(Object.keys(read.credentials!)).toEqual(['region', 'mfa_arn', 'webflow_enabled'])
  })

  test('one of two names the one that lacks, and repeats no value', () => {
    const message =
      'access_key_id of my-user is set, but secret_access_key is not: $MY_AWS_SECRET_ACCESS_KEY is empty'
    const read = () => readIdentity('my-user', mine, { MY_AWS_ACCESS_KEY_ID: 'AKIA1' })
    expect(read).toThrow(expect.objectContaining({ code: 'configuration', message }))
    const other =
      'secret_access_key of my-user is set, but access_key_id is not: $MY_AWS_ACCESS_KEY_ID is empty'
    expect(() => readIdentity('my-user', mine, { MY_AWS_SECRET_ACCESS_KEY: 'x' })).toThrow(
      expect.objectContaining({ message: other }),
    )
  })

  test('what is read is held to the rules of its field', () => {
    const text = 'auth: {identities: {a: {kind: passport/user, api_url: !env URL, hosts: [!env HOST, b.c]}}}'
    const a = parseConfig(text, 'config.yaml').auth!.identities!.a!
    expect(readIdentity('a', a, { URL: 'https://x.y' })).toEqual({
      kind: 'passport/user',
      api_url: 'https://x.y',
      hosts: ['b.c'],
    })
    const message =
      'expected https (plain http is for loopback hosts only) in auth.identities.a.api_url, read from $URL'
    expect(() => readIdentity('a', a, { URL: 'http://secret.example.com' })).toThrow(
      expect.objectContaining({ code: 'configuration', message }),
    )
    expect(() => readIdentity('a', a, { HOST: '*' })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
  })

  test('a provider without references is unchanged', () => {
    expect(readProvider('acme-id', providers!['acme-id']!, {})).toEqual(providers!['acme-id'])
  })
})

test('whatever a variable holds, it is read or named, and never repeated', () => {
  const names = 'KIND_REGION API_URL ISSUER CLIENT SECRET SCOPE HOST TOKEN_URL DURATION KEY KEY_SECRET'.split(
    ' ',
  )
  const text = `auth: {identities: {work: {kind: aws/user, region: !env KIND_REGION, api_url: !env API_URL,
    issuer: !env ISSUER, client_id: !env CLIENT, client_secret: !env SECRET, scopes: [openid, !env SCOPE],
    hosts: [!env HOST], endpoints: {token: !env TOKEN_URL}, session: {duration: !env DURATION},
    credentials: {access_key_id: !env KEY, secret_access_key: !env KEY_SECRET}}}}`
  const work = parseConfig(text, 'config.yaml').auth!.identities!.work!
  const value = fc.oneof(
    fc.constantFrom('eu-west-1', 'https://id.example.com', 'id.example.com', '12h', 'openid', '', undefined),
    fc.string({ unit: 'binary' }).map((more) => `Zq9marker${more}`),
  )
  const env = fc.record(Object.fromEntries(names.map((name) => [name, value])))
  fc.assert(
    fc.property(env, (given) => {
      try {
        const { client_id } = readIdentity('work', work, given)
        expect(client_id).toBe(given.CLIENT || undefined)
      } catch (error) {
        expect(error).toMatchObject({ name: 'DaypassError', code: 'configuration', hint: expect.any(String) })
        expect(String(error)).toMatch(/\$[A-Z_]+/)
        expect(inspect(error)).not.toContain('Zq9')
      }
    }),
    runs(1_000),
  )
})
