import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { testClock } from '../../src/testing/index.ts'
import { type Attempt, attempt, callback, exchange, push, pushed, REDIRECT, refusalOf } from './client.ts'
import { post, start } from './servers.ts'

const visit = async ({ url }: Pick<Attempt, 'url'>) => {
  const { status, headers } = await fetch(url, { redirect: 'manual' })
  return { status, location: headers.get('location') ?? undefined }
}

describe('a pushed authorization request', () => {
  test.each(['auto', 'form'] as const)('leads to tokens where the person is asked by %s', async (consent) => {
    const server = await start({ par: 'required', consent })
    const begun = await pushed(await attempt(server))
    expect([...begun.url.searchParams.keys()]).toEqual(['client_id', 'request_uri'])
    expect(await exchange(begun, await callback(begun))).toMatchObject({ scope: 'openid email' })
    expect(server.stats()).toMatchObject({ exchanges: 1, by: { par: 1, code: 1 } })
  })

  test('has a name that says nothing, and a lifetime', async () => {
    const answer = await push(await attempt(await start({ par: 'offered' })))
    expect(answer.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/)
    expect(answer.expires_in).toBe(60)
    const clock = testClock()
    const late = await pushed(await attempt(await start({ par: 'offered', parTtl: 5000, now: clock.now })))
    clock.advance(5000)
    expect(await visit(late)).toEqual({ status: 400 })
  })

  test('is good for one decision, whichever it is', async () => {
    const begun = await pushed(await attempt(await start({ par: 'offered', consent: 'form' })))
    expect((await visit(begun)).status).toBe(200)
    expect((await callback(begun, 'deny')).searchParams.get('error')).toBe('access_denied')
    expect(await visit(begun)).toEqual({ status: 400 })
  })

  test('is nothing to another client', async () => {
    const redirects = ['http://127.0.0.1/callback']
    const clients = [
      { id: 'one', redirects },
      { id: 'two', redirects },
    ]
    const begun = await pushed(await attempt(await start({ clients, par: 'offered' })))
    begun.url.searchParams.set('client_id', 'two')
    expect(await visit(begun)).toEqual({ status: 400 })
    begun.url.searchParams.set('client_id', 'one')
    expect((await visit(begun)).status).toBe(303)
  })

  test('is asked for as it was pushed: nothing else in the address counts', async () => {
    const begun = await pushed(await attempt(await start({ par: 'offered' })))
    begun.url.searchParams.set('redirect_uri', 'http://127.0.0.1:9/evil')
    begun.url.searchParams.set('state', 'another')
    const called = new URL((await visit(begun)).location!)
    expect([called.href.split('?')[0], called.searchParams.get('state')]).toEqual([REDIRECT, begun.state])
  })

  test('is announced, wanted or not; it may be left out only where it is offered', async () => {
    const metadata = (as: oauth.AuthorizationServer) => [
      as.pushed_authorization_request_endpoint,
      as.require_pushed_authorization_requests,
    ]
    const [never, offered, required] = [
      await start(),
      await start({ par: 'offered' }),
      await start({ par: 'required' }),
    ]
    expect(metadata((await attempt(never)).as)).toEqual([undefined, undefined])
    expect((await post(never.endpoints.par, {})).status).toBe(404)
    expect(metadata((await attempt(offered)).as)).toEqual([offered.endpoints.par, false])
    expect((await visit(await attempt(offered))).status).toBe(303)
    expect(metadata((await attempt(required)).as)).toEqual([required.endpoints.par, true])
    expect(await visit(await attempt(required))).toEqual({ status: 400 })
  })
})

describe('what must not be pushed is refused at once', () => {
  test.each([
    ['another request', { request_uri: 'urn:x' }, 'invalid_request'],
    ['a foreign address', { redirect_uri: 'https://evil.example/callback' }, 'invalid_request'],
    ['no challenge', { code_challenge: '' }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['an unknown client', { client_id: 'stranger' }, 'invalid_client'],
  ])('%s', async (_, flaw, error) => {
    const server = await start({ par: 'offered' })
    const { url } = await attempt(server, flaw)
    const answer = await post(server.endpoints.par, url.searchParams.toString())
    expect(answer.status).toBe(error === 'invalid_client' ? 401 : 400)
    expect(JSON.parse(answer.text)).toMatchObject({ error })
  })

  test('anything of a client that does not prove itself', async () => {
    const clients = [{ id: 'web', secret: 's3cret', redirects: ['http://127.0.0.1/callback'] }]
    const begun = await attempt(await start({ clients, par: 'required' }))
    expect(await refusalOf(push(begun))).toBe('invalid_client')
    expect((await push(begun, oauth.ClientSecretPost('s3cret'))).request_uri).toMatch(/^urn:/)
    expect((await push(begun, oauth.ClientSecretBasic('s3cret'))).request_uri).toMatch(/^urn:/)
  })
})

test('faults befall the door of pushed requests by its name', async () => {
  const server = await start({ par: 'offered' })
  server.failNext({ endpoint: 'par', status: 503 })
  const begun = await attempt(server)
  await expect(push(begun)).rejects.toThrow()
  expect((await push(begun)).expires_in).toBe(60)
})
