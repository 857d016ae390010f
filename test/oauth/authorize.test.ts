import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Attempt,
  checkCallback,
  checkPasted,
  createAttempt,
  createAuthorizationUrl,
} from '../../src/oauth/authorize.ts'
import { buildServer, type Server } from '../../src/oauth/server.ts'
import { exchangeCode } from '../../src/oauth/token.ts'
import { runs } from '../fuzz.ts'
import { start } from '../testing/servers.ts'
import { answering, approved, partyAt, partyOf, REDIRECT } from './kit.ts'

const ISSUER = 'https://id.example.com'
const client = { id: 'cli' }
const attempt: Attempt = { ...createAttempt(REDIRECT, ['openid']), state: 'the-right-state' }

function server(announces: boolean, known = true): Server {
  const endpoints = { token: `${ISSUER}/token`, authorization: `${ISSUER}/authorize` }
  const { metadata, issuerKnown } = buildServer(known ? { ...endpoints, issuer: ISSUER } : endpoints)
  return { metadata: { ...metadata, authorization_response_iss_parameter_supported: announces }, issuerKnown }
}

const check = (query: string, at = server(false)) =>
  checkCallback(at, client, attempt, new URLSearchParams(query))

const parameters = fc.record(
  {
    state: fc.oneof(
      fc.constantFrom('the-right-state', '', 'the-right-stat', 'the-right-state '),
      fc.string(),
    ),
    iss: fc.oneof(fc.constantFrom(ISSUER, `${ISSUER}/`, 'https://evil.example', ''), fc.string()),
    error: fc.oneof(fc.constantFrom('access_denied', 'server_error', ''), fc.string()),
    error_description: fc.string(),
    code: fc.oneof(fc.constantFrom('good', ''), fc.string()),
    response: fc.string(),
    id_token: fc.string(),
    session_state: fc.string(),
  },
  { requiredKeys: [] },
)

describe('a callback', () => {
  test('is nothing at all without the right state, whatever else it says', () => {
    fc.assert(
      fc.property(parameters, fc.boolean(), fc.boolean(), (given, announces, known) => {
        const verdict = checkCallback(server(announces, known), client, attempt, new URLSearchParams(given))
        if (given.state !== 'the-right-state') expect(Object.keys(verdict)).toEqual(['ignored'])
      }),
      runs(500),
    )
  })

  test('is a code only with the right state, of the right server, without an error, and with a code', () => {
    fc.assert(
      fc.property(parameters, fc.boolean(), (given, announces) => {
        const withState = { ...given, state: 'the-right-state' }
        const verdict = checkCallback(server(announces), client, attempt, new URLSearchParams(withState))
        // RFC 6749 §3.1: what is sent without a value counts as left out.
        const ofUs = given.iss === ISSUER || (!given.iss && !announces)
        if ('code' in verdict) {
          expect(ofUs).toBe(true)
          expect(given.error ?? '').toBe('')
          expect(verdict.code.parameters.get('code')).toBe(given.code)
          expect(given.code).toMatch(/./s)
        }
        // With the right state the login ends, one way or the other.
        expect('ignored' in verdict).toBe(false)
        if ('error' in verdict && !given.response && !given.id_token)
          expect(ofUs && !given.error && given.code).toBeFalsy()
      }),
      runs(500),
    )
  })

  test.each([
    ['a wrong issuer', `state=the-right-state&code=c&iss=https://evil.example`, server(false)],
    ['an issuer that is announced and missing', 'state=the-right-state&code=c', server(true)],
    [
      'an error of another issuer',
      'state=the-right-state&error=access_denied&iss=https://evil.example',
      server(true),
    ],
    ['neither code nor error', 'state=the-right-state', server(false)],
    ['an empty code', 'state=the-right-state&code=', server(false)],
  ])('with the right state and %s ends the login', (_, query, at) => {
    expect(check(query, at)).toMatchObject({ error: { code: 'refused' } })
  })

  test.each([
    ['another server', 'https://evil.example', false],
    ['another server of this machine', 'http://127.0.0.1:1', false],
    ['no address', 'evil', false],
    ['its own site', 'https://login.example.com', true],
  ])(
    'of a server whose issuer is unknown, its iss being %s: the code is sent: %s',
    async (_, iss, isSent) => {
      const verdict = check(`state=the-right-state&code=c&iss=${iss}`, server(false, false))
      const sent: string[] = []
      const fetched = (url: unknown) => {
        sent.push(String(url))
        return Promise.resolve(Response.json({ access_token: 'at', token_type: 'bearer' }))
      }
      const party = {
        port: { fetch: fetched, now: Date.now },
        server: server(false, false),
        client,
        invalidGrantCodes: [],
      }
      if (!('code' in verdict)) throw new Error('no code')
      const outcome = await exchangeCode(party, verdict.code).catch((error: unknown) => error)
      expect(outcome).toMatchObject(isSent ? { tokens: {} } : { code: 'refused' })
      expect(sent).toHaveLength(isSent ? 1 : 0)
    },
  )

  test.each([
    ['access_denied', 'refused'],
    ['server_error', 'network'],
    ['temporarily_unavailable', 'network'],
    ['login_required', 'login_required'],
    ['interaction_required', 'login_required'],
    ['unauthorized_client', 'refused'],
    ['toString', 'refused'],
    ['constructor', 'refused'],
  ])('that says %s ends the login as %s', (error, code) => {
    const verdict = check(`state=the-right-state&error=${error}`)
    expect('error' in verdict && verdict.error.code).toBe(code)
  })

  test('quotes an error without what a terminal would obey', () => {
    const verdict = check('state=the-right-state&error=x&error_description=%1b[2J%e2%80%aeabc')
    expect('error' in verdict && verdict.error.message).toBe('the server refused the login (x: [2Jabc)')
  })
})

describe('a pasted answer', () => {
  const paste = (query: string, at = server(true)) =>
    checkPasted(at, client, attempt, new URLSearchParams(query))

  test('may be a bare code', () => {
    expect('code' in paste('code=c')).toBe(true)
  })

  test.each(['code=c&state=wrong', 'code=c&state='])('%s is refused', (query) => {
    expect(Object.keys(paste(query))).toEqual(['ignored'])
  })

  test('of another issuer ends the login', () => {
    expect(paste('code=c&iss=https://evil.example')).toMatchObject({ error: { code: 'refused' } })
  })
})

describe('a code', () => {
  test('that was not checked cannot be exchanged, neither in types nor at run time', async () => {
    const { origin, seen } = await answering({ body: { access_token: 'at', token_type: 'bearer' } })
    const unchecked = { parameters: new URLSearchParams('code=stolen&state=the-right-state'), attempt }
    // @ts-expect-error Only checkCallback and checkPasted make a CheckedCode.
    await expect(exchangeCode(partyAt(origin), unchecked)).rejects.toThrow()
    expect(seen).toEqual([])
  })

  test('that was checked is exchanged, once', async () => {
    const party = await partyOf(await start())
    const code = await approved(party)
    expect(await exchangeCode(party, code)).toHaveProperty('tokens.refreshToken')
    expect(await exchangeCode(party, code)).toMatchObject({ refusal: { kind: 'dead' } })
  })
})

describe('an attempt', () => {
  test('has a state, a verifier and a nonce of 256 bits, and no two are alike', () => {
    const attempts = Array.from({ length: 50 }, () => createAttempt(REDIRECT, ['openid']))
    const all = attempts.flatMap(({ state, verifier, nonce }) => [state, verifier, nonce!])
    expect(new Set(all).size).toBe(150)
    for (const text of all) expect(Buffer.from(text, 'base64url').length).toBe(32)
    expect(createAttempt(REDIRECT, ['repo']).nonce).toBeUndefined()
  })

  test('its URL carries PKCE by S256, and nothing extra can replace what it says', async () => {
    const at = server(true)
    const extra = {
      state: 'evil',
      redirect_uri: 'https://evil.example',
      code_challenge_method: 'plain',
      prompt: 'login',
    }
    const party = { port: { fetch, now: Date.now }, server: at, client, invalidGrantCodes: [] }
    const { url } = await createAuthorizationUrl(party, attempt, ['openid'], extra)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      state: attempt.state,
      redirect_uri: REDIRECT,
      code_challenge_method: 'S256',
      response_type: 'code',
      prompt: 'login',
    })
    expect(url.href).not.toContain(attempt.verifier)
  })
})
