import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { attempt, codeOf, exchange, login, no, proofKey, refresh, start } from './client.ts'
import type { SignInError } from './options.ts'
import { ADA, sts, stsRefusal } from './sts-client.ts'

const whoAmI = () => new GetCallerIdentityCommand({})

describe('the next answer', () => {
  test.each<[SignInError, number, string, string]>([
    ['TOKEN_EXPIRED', 401, 'AccessDeniedException', 'TOKEN_EXPIRED'],
    ['AUTHCODE_EXPIRED', 401, 'AccessDeniedException', 'AUTHCODE_EXPIRED'],
    ['USER_CREDENTIALS_CHANGED', 403, 'AccessDeniedException', 'USER_CREDENTIALS_CHANGED'],
    ['INSUFFICIENT_PERMISSIONS', 403, 'AccessDeniedException', 'INSUFFICIENT_PERMISSIONS'],
    ['INVALID_REQUEST', 400, 'ValidationException', 'INVALID_REQUEST'],
    ['TOO_MANY_REQUESTS', 429, 'TooManyRequestsError', 'INVALID_REQUEST'],
    ['server_error', 500, 'InternalServerException', 'server_error'],
  ])('is %s, and the one after is as usual', async (refuse, status, type, error) => {
    const server = await start()
    const before = await login(server.url)
    server.failNext({ door: 'refresh', refuse })
    const answer = await refresh(before, before.refreshToken)
    expect(no(answer)).toEqual([status, type, error, expect.any(String)])
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '1' : null)
    expect((await refresh(before, before.refreshToken)).status).toBe(200)
    expect(server.stats()).toMatchObject({ faults: 1, sessions: [{ renewals: 1, replays: 0 }] })
  })

  test('is in snake_case', async () => {
    const server = await start()
    const begun = attempt(server.url)
    server.failNext({ door: 'code', snakeCase: true })
    const { json } = await exchange(begun, await codeOf(begun), proofKey())
    expect(json).toMatchObject({
      token_type: 'aws_sigv4',
      access_token: { access_key_id: expect.any(String) },
    })
  })

  test.each([
    ['Throttling', 400],
    ['ServiceUnavailable', 503],
    ['InternalFailure', 500],
    ['RegionDisabledException', 403],
  ] as const)('of STS is %s', async (refuse, status) => {
    const server = await start()
    server.failNext({ door: 'sts', refuse })
    const refusal = await stsRefusal(sts(server.url, ADA).send(whoAmI()))
    expect(refusal.slice(0, 2)).toEqual([status, refuse])
    expect((await sts(server.url, ADA).send(whoAmI())).Account).toBe('111122223333')
  })
})

test('the ledger knows all that must not lie about', async () => {
  const server = await start()
  const begun = attempt(server.url)
  const code = await codeOf(begun)
  const { json } = await exchange(begun, code, proofKey())
  const { secretAccessKey, sessionToken } = json.accessToken as Record<string, string>
  const secrets = [code, json.refreshToken, json.idToken, secretAccessKey, sessionToken, ADA.secretAccessKey]
  expect(server.issued()).toEqual(expect.arrayContaining(secrets))
})
