/** The stand-in says no where the real one does, in the words of league/oauth2-server and of Laravel. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { PassportOptions } from './options.ts'
import { REDIRECTS, startPassport } from './server.ts'

const VERIFIER = randomBytes(32).toString('base64url')
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

type Change = Record<string, string | undefined>

async function start(options: PassportOptions = {}) {
  const at = await startPassport({ personalTokens: ['pat'], ...options })
  onTestFinished(() => at.close())
  const form = (usual: Record<string, string>, change: Change) => {
    const all = Object.entries({ ...usual, ...change })
    return new URLSearchParams(all.filter((each): each is [string, string] => each[1] !== undefined))
  }
  const authorize = async (change: Change = {}) => {
    const usual = {
      response_type: 'code',
      client_id: at.clientId,
      redirect_uri: REDIRECTS[2]!,
      state: 'x',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    }
    return fetch(`${at.url}/oauth/authorize?${form(usual, change)}`, { redirect: 'manual' })
  }
  const token = (usual: Record<string, string>, change: Change = {}) =>
    fetch(`${at.url}/oauth/token`, {
      method: 'POST',
      body: form({ client_id: at.clientId, ...usual }, change),
    })
  const code = async () => new URL((await authorize()).headers.get('location')!).searchParams.get('code')!
  const byCode = async (change: Change = {}) =>
    token(
      {
        grant_type: 'authorization_code',
        code: await code(),
        redirect_uri: REDIRECTS[2]!,
        code_verifier: VERIFIER,
      },
      change,
    )
  const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token })
  const profile = (headers: Record<string, string>) =>
    fetch(`${at.apiUrl}/profile`, { headers, redirect: 'manual' })
  return { at, authorize, code, byCode, refresh, profile, token }
}

const said = async (answer: Response) => {
  const { error, hint, message } = (await answer.json()) as Record<string, string>
  return [answer.status, error, hint ?? message]
}

describe('the page', () => {
  test.each<[Change, number, string]>([
    [{ client_id: 'another' }, 401, 'invalid_client'],
    [{ redirect_uri: 'http://127.0.0.1:8764/callback' }, 401, 'invalid_client'],
    [{ redirect_uri: 'http://localhost:8765/callback' }, 401, 'invalid_client'],
    [{ redirect_uri: `${REDIRECTS[0]}/` }, 401, 'invalid_client'],
    [{ redirect_uri: 'urn:ietf:wg:oauth:2.0:oob' }, 401, 'invalid_client'],
    [{ code_challenge: undefined }, 400, 'invalid_request'],
    [{ code_challenge: 'short' }, 400, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 400, 'invalid_request'],
    [{ state: undefined }, 400, 'invalid_request'],
    [{ response_type: 'token' }, 400, 'unsupported_grant_type'],
  ])('sends nobody anywhere with %j', async (change, status, error) => {
    const { authorize } = await start()
    const answer = await authorize(change)
    expect(answer.headers.get('location')).toBeNull()
    expect((await said(answer)).slice(0, 2)).toEqual([status, error])
  })
})

describe('a code', () => {
  test.each<[Change, string, string]>([
    [{ code: 'def502' }, 'invalid_request', 'Cannot decrypt the authorization code'],
    [{ redirect_uri: REDIRECTS[0]! }, 'invalid_request', 'Invalid redirect URI'],
    [{ code_verifier: undefined }, 'invalid_request', 'Check the `code_verifier` parameter'],
    [{ code_verifier: VERIFIER.replace(/.$/, '~') }, 'invalid_grant', 'Failed to verify `code_verifier`.'],
    [{ client_id: 'another' }, 'invalid_client', 'Client authentication failed'],
    [{ client_secret: 'x' }, 'invalid_client', 'Client authentication failed'],
  ])('is redeemed by nobody with %j', async (change, error, hint) => {
    const { byCode } = await start()
    expect((await said(await byCode(change))).slice(1)).toEqual([error, hint])
  })

  test('is good once', async () => {
    const { code, byCode, at } = await start()
    const once = await code()
    expect((await byCode({ code: once })).status).toBe(200)
    expect(await said(await byCode({ code: once }))).toEqual([
      400,
      'invalid_request',
      'Authorization code has been revoked',
    ])
    expect(at.stats()).toMatchObject({ exchanges: 1, reuses: 1 })
  })
})

test.each([
  [8, [401, 'invalid_request', 'Token has been revoked']],
  [9, [400, 'invalid_grant', 'Token has been revoked']],
] as const)('release %i: a renewal ends the old pair, both of it', async (release, refusal) => {
  const { byCode, refresh, profile, at } = await start({ release })
  const first = (await (await byCode()).json()) as Record<string, string>
  const second = (await (await refresh(first.refresh_token!)).json()) as Record<string, string>
  const asked = (token: string) =>
    profile({ authorization: `Bearer ${token}`, accept: 'application/json', 'x-tenant': 'acme' })
  expect((await asked(first.access_token!)).status).toBe(401)
  expect((await asked(second.access_token!)).status).toBe(200)
  expect(await said(await refresh(first.refresh_token!))).toEqual(refusal)
  expect((await refresh(second.refresh_token!)).status).toBe(200)
  expect(at.stats()).toMatchObject({ refreshes: 2, reuses: 1 })
})

test('the API wants a token, a tenant of the person, and to be asked for JSON', async () => {
  const { profile } = await start()
  const good = { authorization: 'Bearer pat', accept: 'application/json', 'x-tenant': 'acme' }
  const status = async (change: Record<string, string>) => (await profile({ ...good, ...change })).status
  expect(await status({})).toBe(200)
  expect(await status({ authorization: 'Bearer other' })).toBe(401)
  expect(await status({ accept: 'text/html' })).toBe(302)
  expect(await status({ 'x-tenant': 'umbrella' })).toBe(403)
  const { 'x-tenant': _, ...without } = good
  expect((await profile(without)).status).toBe(400)
})
