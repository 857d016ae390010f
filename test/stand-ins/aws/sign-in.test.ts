import { describe, expect, test } from 'vitest'
import {
  type Answer,
  attempt,
  CALLBACK,
  CROSS_DEVICE,
  callback,
  codeOf,
  exchange,
  INVALID,
  login,
  no,
  postForm,
  postJson,
  proofKey,
  shownText,
  start,
} from './client.ts'

const USER = 'arn:aws:iam::111122223333:user/ada'

const claimsOf = (token: unknown) =>
  JSON.parse(Buffer.from(String(token).split('.')[1]!, 'base64url').toString('utf8'))

/** Without a browser in between: what the address itself answers. */
async function asked(url: string): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual' })
  return { status: response.status, headers: response.headers, json: JSON.parse(await response.text()) }
}

describe('an authorization', () => {
  test('ends at the callback, with a long code and the state', async () => {
    const server = await start()
    const begun = attempt(server.url)
    const { origin, pathname, searchParams } = await callback(begun)
    expect(origin + pathname).toBe(CALLBACK)
    expect(searchParams.get('state')).toBe(begun.state)
    expect(searchParams.get('code')?.length).toBeGreaterThan(1500)
  })

  test('for another device it ends on a page that shows state and code in base64', async () => {
    const { url } = await start()
    const redirect_uri = `${url}/v1/sessions/confirmation`
    const begun = attempt(url, { client_id: CROSS_DEVICE, redirect_uri })
    const shown = Buffer.from(await shownText(begun), 'base64').toString('utf8')
    expect(shown).toMatch(/^state=[\w-]+&code=[\w-]+$/)
    const pasted = new URLSearchParams(shown)
    expect(pasted.get('state')).toBe(begun.state)
    expect((await exchange(begun, pasted.get('code')!, proofKey())).status).toBe(200)
  })

  test('is denied at the callback', async () => {
    const server = await start({ consent: 'deny' })
    const begun = attempt(server.url)
    const { searchParams } = await callback(begun)
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'access_denied', state: begun.state })
  })

  const names = new URL(attempt('http://127.0.0.1').url).searchParams.keys()
  test.each([...names])('is refused without %s', async (name) => {
    const server = await start()
    const answer = await asked(attempt(server.url, { [name]: null }).url)
    expect(no(answer)).toEqual(INVALID(`${name} is missing`))
    expect(server.stats().refusals).toMatchObject([{ door: 'authorize', code: 'INVALID_REQUEST' }])
  })

  const REDIRECT = 'redirect_uri is not one of this client'
  test.each([
    ['S256', { code_challenge_method: 'S256' }, 'code_challenge_method must be SHA-256'],
    ['another client', { client_id: 'my-cli' }, 'client_id is not known'],
    ['another response', { response_type: 'token' }, 'response_type must be code'],
    ['another scope', { scope: 'openid email' }, 'scope must be openid'],
    ['no hash', { code_challenge: 'x'.repeat(64) }, 'code_challenge is not a SHA-256'],
    ['what it does not know', { nonce: 'x' }, 'nonce is not a parameter'],
    ['localhost', { redirect_uri: 'http://localhost:9/oauth/callback' }, REDIRECT],
    ['another path', { redirect_uri: 'http://127.0.0.1:9/callback' }, REDIRECT],
    ['the other client at the callback', { client_id: CROSS_DEVICE }, REDIRECT],
    ['a page of elsewhere', { redirect_uri: 'http://127.0.0.1:9/v1/sessions/confirmation' }, REDIRECT],
  ] as const)('is refused with %s', async (_, more, why) => {
    const server = await start()
    expect(no(await asked(attempt(server.url, more).url))).toEqual(INVALID(why))
  })

  test('is refused with a parameter that comes twice', async () => {
    const server = await start()
    const { url } = attempt(server.url)
    expect(no(await asked(`${url}&scope=openid`))).toEqual(INVALID('scope is given twice'))
  })
})

describe('a code', () => {
  test('is exchanged for keys, a refresh token and who they are', async () => {
    const server = await start()
    const begun = attempt(server.url)
    const { status, json } = await exchange(begun, await codeOf(begun), proofKey())
    expect([status, json]).toEqual([
      200,
      {
        accessToken: {
          accessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
          secretAccessKey: expect.stringMatching(/^.{40}$/),
          sessionToken: expect.any(String),
        },
        tokenType: 'aws_sigv4',
        expiresIn: 900,
        refreshToken: expect.any(String),
        idToken: expect.any(String),
      },
    ])
    expect(claimsOf(json.idToken)).toMatchObject({
      sub: USER,
      session_arn: USER,
      aud: 'arn:aws:signin:::cli/same-device',
    })
  })

  test.each([
    [{ kind: 'user', name: 'ada' }, USER],
    [{ kind: 'role', role: 'Admin', session: 'ada' }, 'arn:aws:sts::111122223333:assumed-role/Admin/ada'],
    [{ kind: 'root' }, 'arn:aws:iam::111122223333:root'],
  ] as const)('is that of the person: %j', async (person, arn) => {
    const server = await start()
    server.signInAs(person)
    const { idToken } = await login(server.url)
    expect(claimsOf(idToken).sub).toBe(arn)
    expect(server.stats().sessions).toMatchObject([{ arn, region: 'us-east-1' }])
  })

  test('sent as a form is answered in snake_case', async () => {
    const { url } = await start()
    const begun = attempt(url)
    const form = {
      client_id: begun.clientId,
      grant_type: 'authorization_code',
      code: await codeOf(begun),
      code_verifier: begun.verifier,
      redirect_uri: CALLBACK,
    }
    const { json } = await postForm(url, form, { dpop: proofKey().prove(`${url}/v1/token`) })
    expect(Object.keys(json)).toEqual([
      'access_token',
      'token_type',
      'expires_in',
      'refresh_token',
      'id_token',
    ])
    expect(Object.keys(json.access_token as object)).toEqual([
      'access_key_id',
      'secret_access_key',
      'session_token',
    ])
  })

  test.each([
    ['of nobody', { code: 'x' }, 'the code is not known'],
    ['another verifier', { codeVerifier: 'x'.repeat(43) }, 'codeVerifier does not match'],
    ['another client', { clientId: CROSS_DEVICE }, 'the code is of another client'],
    [
      'another port',
      { redirectUri: 'http://127.0.0.1:8/oauth/callback' },
      'redirectUri is not the one of the authorization',
    ],
    ['no redirectUri', { redirectUri: undefined }, 'redirectUri is missing'],
    ['what belongs to a refresh', { refreshToken: 'x' }, 'refreshToken does not belong to this grant'],
    ['another grant', { grantType: 'password' }, 'grantType is missing or not supported'],
  ])('is refused with %s, and is still good', async (_, more, why) => {
    const server = await start()
    const [begun, key] = [attempt(server.url), proofKey()]
    const code = await codeOf(begun)
    expect(no(await exchange(begun, code, key, more))).toEqual(INVALID(why))
    expect((await exchange(begun, code, key)).status).toBe(200)
  })

  test('is good once', async () => {
    const server = await start()
    const [begun, key] = [attempt(server.url), proofKey()]
    const code = await codeOf(begun)
    await exchange(begun, code, key)
    expect(no(await exchange(begun, code, key))).toEqual(INVALID('the code is spent'))
  })

  test('is good in its region alone', async () => {
    const server = await start()
    const begun = attempt(server.url)
    const elsewhere = { ...begun, base: server.region('eu-west-1').url }
    const answer = await exchange(elsewhere, await codeOf(begun), proofKey())
    expect(no(answer)).toEqual(INVALID('the code is of another region'))
  })

  test('grows old', async () => {
    const clock = { now: Date.now() }
    const server = await start({ now: () => clock.now, codeTtl: 60_000 })
    const begun = attempt(server.url)
    const code = await codeOf(begun)
    clock.now += 60_000
    const answer = await exchange(begun, code, proofKey())
    expect(no(answer).slice(0, 3)).toEqual([401, 'AccessDeniedException', 'AUTHCODE_EXPIRED'])
  })

  test.each([
    [
      'neither JSON nor a form',
      'x',
      { 'content-type': 'text/plain' },
      'the content type is neither JSON nor a form',
    ],
    ['a signature', '{}', { authorization: 'Basic eDp5' }, 'the request must not be signed'],
  ])('is refused in %s', async (_, body, headers, why) => {
    const { url } = await start()
    expect(no(await postJson(url, body, headers))).toEqual(INVALID(why))
  })
})
