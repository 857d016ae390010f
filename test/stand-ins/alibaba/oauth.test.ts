/** The stand-in refuses what Alibaba Cloud refuses, in its own words. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { scriptedBrowser } from '../../../src/testing/index.ts'
import type { AlibabaOptions } from './options.ts'
import { startAlibaba } from './server.ts'

const CLIENT = '4038181954557748008'
const REDIRECT = 'http://127.0.0.1:12345/cli/callback'

async function begun(options: AlibabaOptions = {}) {
  const ali = await startAlibaba(options)
  onTestFinished(() => ali.close())
  const verifier = randomBytes(48).toString('base64url')
  const asked = (more: Record<string, string | undefined> = {}) => {
    const parameters = {
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      state: 'st',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    }
    const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined)
    return `${ali.url}/oauth2/v1/auth?${new URLSearchParams(given)}`
  }
  const visit = (url: string) => scriptedBrowser({ stopAtCallback: true }).visit(url)
  const post = async (path: string, form: Record<string, string>) => {
    const answer = await fetch(`${ali.url}${path}`, { method: 'POST', body: new URLSearchParams(form) })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? {} : JSON.parse(text) }
  }
  const codeForm = async (more: Record<string, string> = {}) => {
    const { url } = await visit(asked())
    const code = new URL(url).searchParams.get('code')!
    const form = { grant_type: 'authorization_code', code, client_id: CLIENT, redirect_uri: REDIRECT }
    return { ...form, code_verifier: verifier, ...more }
  }
  const tokens = async () => (await post('/v1/token', await codeForm())).json
  const refresh = (refresh_token: string, more: Record<string, string> = {}) =>
    post('/v1/token', { grant_type: 'refresh_token', refresh_token, client_id: CLIENT, ...more })
  const exchange = async (token: string | undefined, init: RequestInit = {}) => {
    const headers = {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    }
    const answer = await fetch(`${ali.url}/v1/exchange`, { method: 'POST', headers, ...init })
    return { status: answer.status, json: await answer.json() }
  }
  return { ali, asked, visit, post, codeForm, tokens, refresh, exchange }
}

describe('the sign-in page', () => {
  test.each([
    [{ scope: 'openid' }, 'scope is not for this application'],
    [{ access_type: 'offline' }, 'access_type is not for this application'],
    [{ state: undefined }, 'state is missing'],
    [{ client_id: '4103531455503354461' }, 'client_id is not known'],
    [{ code_challenge_method: 'plain' }, 'code_challenge_method must be S256'],
    [{ redirect_uri: 'http://127.0.0.1:12350/cli/callback' }, 'redirect_uri is not registered'],
    [{ redirect_uri: 'http://localhost:12345/cli/callback' }, 'redirect_uri is not registered'],
    [{ redirect_uri: 'http://127.0.0.1:12345/callback' }, 'redirect_uri is not registered'],
  ])('refuses %o, and sends nobody anywhere', async (more, why) => {
    const { asked, visit } = await begun()
    const { status, body } = await visit(asked(more))
    expect([status, JSON.parse(body).error_description]).toEqual([400, why])
  })

  test('tells an unassigned person, and does not redirect back', async () => {
    const { asked, visit, ali } = await begun({ consent: 'unassigned' })
    const { url, body } = await visit(asked())
    expect(body).toContain('账号未允许当前身份访问该应用')
    expect(url).toContain(ali.url)
  })

  test('asks, where the person is to be asked', async () => {
    const { asked, visit } = await begun({ consent: 'ask' })
    expect((await visit(asked())).url).toMatch(/\/cli\/callback\?code=.*&state=st$/)
  })
})

describe('the token endpoint', () => {
  test.each([
    [{ code_verifier: 'x'.repeat(43) }, 'code_verifier does not match.'],
    [
      { redirect_uri: 'http://127.0.0.1:12346/cli/callback' },
      'redirect_uri is not the one of the authorization.',
    ],
    [{ code: 'unknown' }, 'The authorization code is invalid.'],
  ])('refuses a code with %o', async (more, why) => {
    const { post, codeForm } = await begun()
    const { status, json } = await post('/v1/token', await codeForm(more))
    expect([status, json.error, json.error_description]).toEqual([400, 'invalid_grant', why])
    expect(json.requestId).toMatch(/^[0-9A-F-]{36}$/)
  })

  test('takes a code once, and ends what came of it when it comes again', async () => {
    const { post, codeForm, refresh } = await begun()
    const form = await codeForm()
    const { json } = await post('/v1/token', form)
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect((await post('/v1/token', form)).json.error).toBe('invalid_grant')
    expect((await refresh(json.refresh_token)).json.error).toBe('invalid_grant')
  })

  test('takes a refresh token once, and ends the login when it comes again', async () => {
    const { tokens, refresh, exchange, ali } = await begun()
    const first = await tokens()
    // Its own SDKs send the time, too.
    const { json: second } = await refresh(first.refresh_token, { Timestamp: '2026-01-02T03:04:05Z' })
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect((await refresh(first.refresh_token)).json.error).toBe('invalid_grant')
    expect((await refresh(second.refresh_token)).json.error).toBe('invalid_grant')
    expect((await exchange(second.access_token)).json.error).toBe('invalid_token')
    expect(ali.stats().families).toMatchObject([{ refreshes: 1, reuses: 1, ended: true }])
  })

  test('wants a form with nothing else in it', async () => {
    const { tokens, refresh } = await begun()
    const { refresh_token } = await tokens()
    expect((await refresh(refresh_token, { scope: 'x' })).json.error).toBe('invalid_request')
    expect((await refresh(refresh_token)).status).toBe(200)
  })
})

describe('the exchange', () => {
  test('gives keys, as often as it is asked', async () => {
    const { tokens, exchange } = await begun()
    const { access_token } = await tokens()
    const { status, json } = await exchange(access_token, { body: '{}' })
    expect(status).toBe(200)
    expect(Object.keys(json)).toEqual([
      'requestId',
      'accessKeyId',
      'accessKeySecret',
      'securityToken',
      'expiration',
    ])
    expect(json.expiration).toHaveLength(20)
    expect((await exchange(access_token)).json.accessKeyId).not.toBe(json.accessKeyId)
  })

  test('refuses a token that is over, short, unknown or missing', async () => {
    const { tokens, exchange, ali } = await begun()
    const { access_token } = await tokens()
    expect(await exchange('unknown')).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
    expect(await exchange(undefined)).toMatchObject({ status: 401, json: { error: 'invalid_token' } })
    ali.expireAccess()
    expect(await exchange(access_token)).toMatchObject({
      status: 401,
      json: { error: 'expired_token', error_description: 'The access token is expired.' },
    })
    const short = await begun({ accessTtl: 899 })
    expect(await short.exchange((await short.tokens()).access_token)).toMatchObject({
      status: 403,
      json: { error: 'access_denied', error_description: 'token expire time is too short' },
    })
  })
})

test('what is revoked is over, and an unknown token is no error', async () => {
  const { tokens, refresh, post } = await begun()
  const { refresh_token } = await tokens()
  const revoke = (token: string) => post('/v1/revoke', { token, client_id: CLIENT })
  expect((await revoke('unknown')).status).toBe(200)
  expect((await revoke(refresh_token)).status).toBe(200)
  expect((await refresh(refresh_token)).json.error).toBe('invalid_grant')
})
