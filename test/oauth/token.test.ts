import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { createRefusalError } from '../../src/oauth/refusal.ts'
import type { ClientContext } from '../../src/oauth/server.ts'
import { exchangeCode, refreshTokens, type TokenOutcome } from '../../src/oauth/token.ts'
import { start } from '../testing/servers.ts'
import { type Answer, answering, approved, partyAt, partyOf, port } from './kit.ts'

const OLD = new Secret('rt-old-0123456789')
const GOOD = {
  access_token: 'at-new',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'rt-new',
  scope: 'a b',
}

async function renewed(answer: Answer, more: Partial<ClientContext> = {}): Promise<TokenOutcome> {
  const { origin } = await answering(answer)
  return refreshTokens(partyAt(origin, more), OLD)
}

const tokensOf = (outcome: TokenOutcome) => {
  if ('refusal' in outcome) throw new Error(`refused: ${outcome.refusal.message}`)
  return { ...outcome.tokens, problem: outcome.problem }
}

describe('an answer that is off the specification', () => {
  test.each<[string, Answer]>([
    ['expires_in null', { body: { ...GOOD, expires_in: null } }],
    ['expires_in as text', { body: { ...GOOD, expires_in: '3600' } }],
    ['expires_in in words', { body: { ...GOOD, expires_in: 'never' } }],
    ['expires_in empty', { body: { ...GOOD, expires_in: '' } }],
    ['expires_in negative', { body: { ...GOOD, expires_in: -1 } }],
    ['expires_in a list', { body: { ...GOOD, expires_in: [] } }],
    [
      'expires_in beyond all numbers',
      { headers: json(), body: raw({ ...GOOD }, '"expires_in":3600', '"expires_in":1e999') },
    ],
    ['scope as a list', { body: { ...GOOD, scope: ['a', 'b'] } }],
    ['scope null', { body: { ...GOOD, scope: null } }],
    ['scope a list of what is no text', { body: { ...GOOD, scope: [{ toString: 1 }, null, 'a'] } }],
    ['no token_type', { body: { ...GOOD, token_type: undefined } }],
    ['token_type empty', { body: { ...GOOD, token_type: '' } }],
    ['id_token null', { body: { ...GOOD, id_token: null } }],
    ['id_token garbage', { body: { ...GOOD, id_token: 'garbage' } }],
    ['id_token an object', { body: { ...GOOD, id_token: {} } }],
    ['an empty error beside the tokens', { body: { ...GOOD, error: '' } }],
    ['an error beside the tokens', { body: { ...GOOD, error: 'none' } }],
    ['status 201', { status: 201, body: GOOD }],
    [
      'a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, body: form() },
    ],
    ['a form that says it is text', { headers: { 'content-type': 'text/plain' }, body: form() }],
    ['JSON that says it is HTML', { headers: { 'content-type': 'text/html' }, body: JSON.stringify(GOOD) }],
    ['JSON behind a byte order mark', { headers: json(), body: `\ufeff${JSON.stringify(GOOD)}` }],
  ])('gives both tokens all the same: %s', async (_, answer) => {
    const tokens = tokensOf(await renewed(answer))
    expect(tokens.problem).toBeUndefined()
    expect(tokens.accessToken?.reveal()).toBe('at-new')
    expect(tokens.refreshToken?.reveal()).toBe('rt-new')
    expect(tokens.tokenType).toBe('bearer')
  })

  test.each<[string, object]>([
    ['no access token', { ...GOOD, access_token: undefined }],
    ['access_token null', { ...GOOD, access_token: null }],
    ['access_token empty', { ...GOOD, access_token: '' }],
    ['access_token with a line break', { ...GOOD, access_token: 'at\r\nX-Evil: 1' }],
    ['a token type that we do not speak', { ...GOOD, token_type: 'mac' }],
  ])('keeps the rotated refresh token even where there is nothing else to keep: %s', async (_, body) => {
    const tokens = tokensOf(await renewed({ body }))
    expect(tokens.accessToken).toBeUndefined()
    expect(tokens.problem).toMatchObject({ code: 'refused' })
    expect(tokens.refreshToken?.reveal()).toBe('rt-new')
  })

  test.each([null, '', 5, {}])('refresh_token %j is none', async (refresh_token) => {
    expect(tokensOf(await renewed({ body: { ...GOOD, refresh_token } })).refreshToken).toBeUndefined()
  })

  test.each([
    [3600, 3600],
    ['3600', 3600],
    [0, 0],
    ['', undefined],
    [null, undefined],
    ['never', undefined],
    [-5, undefined],
    [1e300, undefined],
  ])('expires_in %j is %j', async (expires_in, seconds) => {
    expect(tokensOf(await renewed({ body: { ...GOOD, expires_in } })).expiresIn).toBe(seconds)
  })
})

function json() {
  return { 'content-type': 'application/json' }
}
function form() {
  return 'access_token=at-new&token_type=bearer&expires_in=3600&refresh_token=rt-new&scope=a%20b'
}
function raw(body: object, from: string, to: string) {
  return JSON.stringify(body).replace(from, to)
}

describe('a refusal', () => {
  test.each<[string, Answer, string]>([
    ['invalid_grant', { status: 400, body: { error: 'invalid_grant' } }, 'dead'],
    ['GitHub’s 200 with an error', { status: 200, body: { error: 'bad_refresh_token' } }, 'dead'],
    ['500 with a JSON error', { status: 500, body: { error: 'invalid_grant' } }, 'passing'],
    ['503 in HTML', { status: 503, body: '<h1>down</h1>' }, 'passing'],
    ['429', { status: 429, body: { error: 'invalid_request' } }, 'passing'],
    ['408', { status: 408 }, 'passing'],
    [
      'a description that is no text',
      { status: 400, body: { error: 'invalid_grant', error_description: { toString: 1, valueOf: 1 } } },
      'dead',
    ],
    ['temporarily_unavailable', { status: 400, body: { error: 'temporarily_unavailable' } }, 'passing'],
    ['400, empty', { status: 400 }, 'unclear'],
    ['401, empty', { status: 401 }, 'unclear'],
    ['400 in HTML', { status: 400, body: '<h1>Bad gateway</h1>' }, 'unclear'],
    ['401 with an error that is no text', { status: 401, body: { error: { message: 'x' } } }, 'unclear'],
    ['200 of a captive portal', { status: 200, body: '<html>log in to the wifi</html>' }, 'passing'],
    ['200 and an empty object', { status: 200, body: {} }, 'passing'],
    ['invalid_client', { status: 401, body: { error: 'invalid_client' } }, 'refused'],
    ['403', { status: 403 }, 'refused'],
    ['404', { status: 404 }, 'refused'],
  ])('%s is sorted', async (_, answer, kind) => {
    const outcome = await renewed(answer, { invalidGrantCodes: ['invalid_grant', 'bad_refresh_token'] })
    expect('refusal' in outcome && outcome.refusal.kind).toBe(kind)
  })

  test.each([
    ['120', 'try again in 2m'],
    ['Sun, 06 Nov 2044 08:50:37 GMT', 'try again in 1m'],
    ['0', 'try again in a while'],
    ['soon', 'try again in a while'],
  ])('Retry-After: %s is told as %s', async (said, hint) => {
    const date = 'Sun, 06 Nov 2044 08:49:37 GMT'
    const outcome = await renewed({ status: 429, headers: { 'retry-after': said, date } })
    expect('refusal' in outcome && createRefusalError(outcome.refusal).hint).toContain(hint)
  })

  test('an answer of more than 1 MiB is a passing failure, and is not read to its end', async () => {
    await expect(renewed({ headers: json(), body: 'x'.repeat(3 << 20) })).rejects.toMatchObject({
      code: 'network',
    })
  })

  test('a server that is not there is a passing failure, in words', async () => {
    const gone = await answering({})
    gone.close()
    await expect(refreshTokens(partyAt(gone.origin), OLD)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('connection refused'),
    })
  })
})

describe('a refresh token goes nowhere else', () => {
  test.each([301, 302, 303, 307, 308])('a redirect by %i is not followed', async (status) => {
    const evil = await answering({ body: GOOD })
    const { origin, seen } = await answering({ status, headers: { location: `${evil.origin}/token` } })
    const outcome = await refreshTokens(partyAt(origin), OLD)
    expect('refusal' in outcome && outcome.refusal.kind).toBe('passing')
    expect(seen).toHaveLength(1)
    expect(evil.seen).toEqual([])
  })

  test('plain http to another machine is refused before anything is sent', async () => {
    const party = partyAt('http://127.0.0.1:9')
    const server = {
      ...party.server,
      metadata: { ...party.server.metadata, token_endpoint: 'http://id.example.com/token' },
    }
    const sent: unknown[] = []
    const counting = { ...port, fetch: async (url: unknown) => Response.json({ sent: sent.push(url) }) }
    await expect(refreshTokens({ ...party, server, port: counting }, OLD)).rejects.toMatchObject({
      code: 'configuration',
    })
    expect(sent).toEqual([])
  })
})

describe('no failure prints a secret', () => {
  const echo = `the token ${OLD.reveal()} is over`
  test.each<[string, Answer]>([
    [
      'an echo in its description',
      { status: 400, body: { error: 'invalid_grant', error_description: echo } },
    ],
    ['an echo as its error', { status: 400, body: { error: echo } }],
    [
      'an echo in a list in place of a description',
      { status: 400, body: { error: 'invalid_request', error_description: [echo] } },
    ],
    ['an echo in an object in place of an error', { status: 400, body: { error: { said: echo } } }],
    ['an echo in a body that is no JSON', { status: 500, body: echo }],
    ['an untrustworthy answer', { body: { ...GOOD, token_type: 'mac', access_token: 'at-secret' } }],
    [
      'an untrustworthy id_token',
      { body: { ...GOOD, id_token: `e30.${Buffer.from('{"pii-secret').toString('base64url')}.x` } },
    ],
    ['a redirect', { status: 307, headers: { location: `http://127.0.0.1:1/?t=${OLD.reveal()}` } }],
  ])('%s', async (_, answer) => {
    const { origin } = await answering(answer)
    for (const issuerOf of [undefined, () => 'x', (claims: object) => String(Object.keys(claims))]) {
      const server = { ...partyAt(origin).server, issuerKnown: true }
      const outcome = await refreshTokens(partyAt(origin, { server, resolveIssuer: issuerOf }), OLD)
      const problem = 'refusal' in outcome ? outcome.refusal : [outcome.problem, outcome.idTokenProblem]
      expect(inspect([outcome, problem], { depth: 12, showHidden: true })).not.toMatch(
        /rt-old|at-secret|at-new|rt-new|pii-secret/,
      )
    }
  })

  test('a cut connection', async () => {
    const server = await start()
    const party = await partyOf(server)
    for (const cut of ['before', 'after'] as const) {
      server.failNext({ endpoint: 'token', cut })
      const error = await refreshTokens(party, OLD).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'network' })
      expect(inspect(error, { depth: 12, showHidden: true })).not.toContain('rt-old')
    }
  })
})

describe('an id_token', () => {
  const payload = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as object
  const changed = (token: string, claims: object) => {
    const [head, , signature] = token.split('.')
    return [
      head,
      Buffer.from(JSON.stringify({ ...payload(token), ...claims })).toString('base64url'),
      signature,
    ].join('.')
  }

  test.each<[string, object]>([
    ['for another client', { aud: 'another' }],
    ['for two, with the other one named', { aud: ['test-cli', 'another'], azp: 'another' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 3600 }],
    ['of another login', { nonce: 'another' }],
    ['without a subject', { sub: undefined }],
    ['of tomorrow', { nbf: Math.floor(Date.now() / 1000) + 86_400 }],
  ])('%s is not believed', async (_, claims) => {
    const server = await start({
      mangle: (json, endpoint) =>
        endpoint === 'code' ? { ...json, id_token: changed(String(json.id_token), claims) } : json,
    })
    const party = await partyOf(server)
    const outcome = await exchangeCode(party, await approved(party))
    expect(outcome).toMatchObject({ idTokenProblem: { code: 'refused' } })
    expect(outcome).not.toHaveProperty('tokens.claims')
    expect(outcome).not.toHaveProperty('tokens.idToken')
  })

  test('that is unsigned is not believed', async () => {
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    const server = await start({
      mangle: (json, endpoint) =>
        endpoint === 'code' ? { ...json, id_token: `${none}.${String(json.id_token).split('.')[1]}.` } : json,
    })
    const party = await partyOf(server)
    expect(await exchangeCode(party, await approved(party))).toMatchObject({
      idTokenProblem: { code: 'refused' },
    })
  })

  test('that is right says who it is', async () => {
    const party = await partyOf(await start())
    expect(await exchangeCode(party, await approved(party))).toMatchObject({
      tokens: { claims: { sub: 'user-1', email: 'ada@example.com' } },
    })
  })
})

describe('the clock', () => {
  test.each([7 * 3_600_000, -7 * 3_600_000])(
    'a difference of %i ms is learnt, and expiry is told by it',
    async (clockOffset) => {
      const server = await start({ clockOffset })
      const party = await partyOf(server)
      const outcome = await exchangeCode(party, await approved(party))
      if ('refusal' in outcome) throw new Error(outcome.refusal.message)
      expect(Math.abs(outcome.clockOffset - clockOffset)).toBeLessThan(2000)
      expect(Math.abs(outcome.issuedAt - (Date.now() + clockOffset))).toBeLessThan(3000)
      expect(outcome.idTokenProblem).toBeUndefined()
    },
  )

  test.each([
    '',
    'yesterday',
    '+275760-09-13T00:00:00Z',
    '-271821-04-20T00:00:00Z',
    'Thu, 01 Jan 9999 00:00:00 GMT',
  ])('Date %j teaches nothing', async (date) => {
    const outcome = await renewed({ headers: { date }, body: GOOD })
    expect(outcome.clockOffset).toBe(0)
  })

  test('less than its resolution is no difference', async () => {
    expect((await renewed({ body: GOOD })).clockOffset).toBe(0)
  })
})
