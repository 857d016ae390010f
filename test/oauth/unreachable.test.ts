import { describe, expect, test } from 'vitest'
import { createUnreachableError, sendHttpRequest } from '../../src/oauth/http.ts'

/** As Node's fetch throws it: what happened is the cause. */
const thrown = (code: string, message: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })

describe('a server that cannot be reached', () => {
  test.each([
    ['ECONNREFUSED', 'connect ECONNREFUSED', 'connection refused', 'HTTPS_PROXY'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND', 'no such host', 'HTTPS_PROXY'],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate',
      'self-signed certificate',
      'NODE_EXTRA_CA_CERTS',
    ],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify', 'unable to verify', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_NOT_YET_VALID', 'certificate is not yet valid', 'certificate is not yet valid', 'clock'],
    ['CERT_HAS_EXPIRED', 'certificate has expired', 'certificate has expired', 'clock'],
  ])('%s is said in words, with what may mend it', (code, message, said, hint) => {
    const error = createUnreachableError(new URL('https://api.example.com/x?token=y'), thrown(code, message))
    expect(error).toMatchObject({ code: 'network', message: `cannot reach api.example.com: ${said}` })
    expect(error.hint).toContain(hint)
  })
})

test('no request follows a redirect', async () => {
  const followed: unknown[] = []
  const fetch = async (_: unknown, init?: RequestInit) => {
    followed.push(init?.redirect)
    return new Response('{}')
  }
  await sendHttpRequest({ fetch, now: Date.now }, 'https://sts.example.com/', {
    method: 'POST',
    body: 'signed',
  })
  expect(followed).toEqual(['manual'])
})
