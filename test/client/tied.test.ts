/** An answer is tied to who gave it: what comes from another server, or is for another person, is not handed out. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { start } from '../testing/servers.ts'
import { failureOf, world } from './client-context.ts'

type Json = Record<string, unknown>

const config = (identities: object) => ({ auth: { identities } }) as Config
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** An id_token with other claims, or another header. Nobody checks the signature: TLS vouches for it. */
function changed(token: unknown, claims: object, header?: object): string {
  const [head, payload, signature] = String(token).split('.')
  const said = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object
  return [header ? encode(header) : head, encode({ ...said, ...claims }), signature].join('.')
}

describe('a renewal', () => {
  test.each([
    ['person', { sub: 'mallory' }, undefined],
    ['person, unsigned', { sub: 'mallory' }, { alg: 'none' }],
    ['issuer', { iss: 'https://evil.example' }, undefined],
  ])('for another %s hands nothing out, and keeps the refresh token', async (_, claims, header) => {
    const server = await start()
    const w = await world({ server })
    await w.login()
    const [before, entry] = [await w.refreshToken(), await w.vault.read('work')]
    const mangle = (json: Json) => ({ ...json, id_token: changed(json.id_token, claims, header) })
    server.failNext({ endpoint: 'refresh', mangle })
    w.advance(3_600_000)
    const error = await failureOf(w.daypass.credential('work'))
    expect(error).toMatchObject({ code: 'refused', advice: { verb: 'login', identity: 'work' } })
    expect(error.message).toMatch(/someone else/)
    expect(await w.refreshToken()).not.toBe(before)
    expect((await w.vault.read('work'))!.grant!.credential).toEqual(entry!.grant!.credential)
    // It is not marked: the next answer may be right, and is taken.
    expect(await w.token()).toBeTypeOf('string')
  })
})

describe('a login', () => {
  test.each(['none', 'None', 'NONE'])(
    'takes no id_token with alg %s, though the metadata lists it',
    async (alg) => {
      const server = await start({
        mangle: (json, endpoint) => {
          if (endpoint === 'discovery')
            return { ...json, id_token_signing_alg_values_supported: [alg, 'ES256'] }
          return endpoint === 'code' ? { ...json, id_token: changed(json.id_token, {}, { alg }) } : json
        },
      })
      const w = await world({ server })
      expect(await failureOf(w.login())).toMatchObject({
        code: 'refused',
        message: expect.stringContaining('signed'),
      })
      expect(server.stats().revocations).toBe(1)
    },
  )

  test.each(['browser', 'two steps'])(
    'with the scope openid and no id_token is refused (%s)',
    async (way) => {
      const withoutIdToken = ({ id_token: _, ...rest }: Json) => rest
      const server = await start({
        mangle: (json, endpoint) => (endpoint === 'discovery' ? json : withoutIdToken(json)),
      })
      const w = await world({ server })
      const twoSteps = async () => {
        const { id, url } = await w.daypass.startLogin('oidc', {
          name: 'work',
          ...(w.given && { given: w.given }),
          method: 'browser',
        })
        const { scriptedBrowser } = await import('../../src/testing/index.ts')
        const { url: pasted } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
        return w.daypass.finishLogin(id, { pasted })
      }
      const login = way === 'two steps' ? twoSteps() : w.login('work', { method: way as 'browser' })
      expect(await failureOf(login)).toMatchObject({
        code: 'refused',
        message: expect.stringContaining('no id_token'),
      })
      // Where the scope was not granted, nothing is missing.
      const more = { given: { ...w.given!, scopes: ['email'] } }
      if (way === 'browser') expect(await w.login('plain', more)).toMatchObject({ header: { name: 'plain' } })
    },
  )

  const [PAGE, TOKEN] = ['https://login.example.com/authorize', 'https://evil.example.net/token']
  const sites = (endpoints: object) =>
    world({ config: config({ work: { kind: 'oidc/user', client_id: 'cli', endpoints } }) })

  test('at endpoints of different sites, both of the configuration, says so and goes on', async () => {
    const w = await sites({ authorization: PAGE, token: TOKEN })
    const { url } = await w.daypass.startLogin('work')
    expect(url).toContain('login.example.com')
    expect(w.warned).toEqual([expect.stringMatching(/login\.example\.com.*evil\.example\.net/)])
  })

  test('at two hosts of one site says nothing', async () => {
    const w = await sites({ authorization: PAGE, token: 'https://token.example.com/t' })
    await w.daypass.startLogin('work')
    expect(w.warned).toEqual([])
  })

  test('at hosts below one public suffix says so', async () => {
    const w = await sites({
      authorization: 'https://a.github.io/authorize',
      token: 'https://b.github.io/token',
    })
    await w.daypass.startLogin('work')
    expect(w.warned).toHaveLength(1)
  })

  test('whose token endpoint alone was moved to another site is refused, and nothing is sent', async () => {
    const w = await world({
      config: config({ hub: { kind: 'github/user', client_id: 'cli', endpoints: { token: TOKEN } } }),
    })
    expect(await failureOf(w.daypass.startLogin('hub'))).toMatchObject({ code: 'refused' })
    expect(await failureOf(w.daypass.login('hub'))).toMatchObject({ code: 'refused' })
    expect(w.requests).toEqual([])
  })

  test('never shows a name and a password of the issuer', async () => {
    const w = await world()
    const given = { params: { issuer: 'https://user:hunter2@id.example.com' }, clientId: 'cli' }
    const error = await failureOf(w.daypass.login('oidc', { name: 'work', given }))
    expect(error.code).toBe('configuration')
    expect(`${error.message} ${error.hint}`).not.toMatch(/hunter2|user:/)
    expect(w.requests).toEqual([])
  })
})
