import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { scriptedBrowser } from '../../../src/testing/browser.ts'
import { type Login, login, start } from './client.ts'
import type { AwsOptions } from './options.ts'
import { ADA, keysOf, sts } from './sts-client.ts'

type Keys = Login['accessToken']

const ARN = 'arn:aws:sts::111122223333:assumed-role/Admin/ada'
const ADMIN = { kind: 'role', role: 'Admin', session: 'ada' } as const

async function loggedIn(options: AwsOptions = {}) {
  const server = await start({ person: ADMIN, ...options })
  const { accessToken } = await login(server.url)
  return { server, url: server.url, keys: accessToken }
}

const sessionOf = ({ accessKeyId, secretAccessKey, sessionToken }: Keys): string =>
  JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken })

const address = (url: string, parameters: Record<string, string>): string =>
  `${url}/federation?${new URLSearchParams(parameters)}`

/** Asks for a sign-in token; gives it, or the status of the no. */
async function tokenOf(url: string, keys: Keys, more: Record<string, string> = {}) {
  const response = await fetch(address(url, { Action: 'getSigninToken', Session: sessionOf(keys), ...more }))
  if (!response.ok) return response.status
  const { SigninToken } = (await response.json()) as { SigninToken: string }
  return SigninToken
}

const loginAt = (url: string, token: unknown, more: Record<string, string> = {}): string =>
  address(url, {
    Action: 'login',
    Issuer: 'daypass',
    Destination: `${url}/console`,
    SigninToken: String(token),
    ...more,
  })

describe('a session of a role', () => {
  test('is signed in at the console', async () => {
    const { url, keys } = await loggedIn()
    const token = await tokenOf(url, keys, { SessionType: 'json', SessionDuration: '3600' })
    const { url: end, body } = await scriptedBrowser().visit(loginAt(url, token))
    expect(end).toBe(`${url}/console`)
    expect(body).toContain(ARN)
  })

  test('is sent to where it wants to go', async () => {
    const { url, keys } = await loggedIn()
    const Destination = 'https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1'
    const going = loginAt(url, await tokenOf(url, keys), { Destination })
    const response = await fetch(going, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, Destination])
  })

  test('is taken in a form', async () => {
    const { url, keys } = await loggedIn()
    const body = new URLSearchParams({ Action: 'getSigninToken', Session: sessionOf(keys) })
    expect((await fetch(`${url}/federation`, { method: 'POST', body })).status).toBe(200)
  })

  test('that was assumed is one as well, with no duration if it was by another role', async () => {
    const { url, keys } = await loggedIn()
    const role = new AssumeRoleCommand({
      RoleArn: 'arn:aws:iam::111122223333:role/Deploy',
      RoleSessionName: 'ci',
    })
    const chained = keysOf(await sts(url, keys).send(role)) as Keys
    expect(await tokenOf(url, chained)).toEqual(expect.any(String))
    expect(await tokenOf(url, chained, { SessionDuration: '3600' })).toBe(400)
    const assumed = keysOf(await sts(url, ADA).send(role)) as Keys
    expect(await tokenOf(url, assumed, { SessionDuration: '43200' })).toEqual(expect.any(String))
  })

  test.each<[string, (keys: Keys) => Keys, Record<string, string>, string]>([
    ['another secret', (keys) => ({ ...keys, secretAccessKey: 'x'.repeat(40) }), {}, 'Session is not known'],
    ['another token', (keys) => ({ ...keys, sessionToken: 'x' }), {}, 'Session is not known'],
    ['another id', (keys) => ({ ...keys, accessKeyId: 'ASIAX' }), {}, 'Session is not known'],
    ['a long-term key', (keys) => ({ ...keys, ...ADA }), {}, 'Session is not known'],
    [
      'too short a time',
      (keys) => keys,
      { SessionDuration: '899' },
      'the duration is not 900 to 43200 seconds',
    ],
    [
      'too long a time',
      (keys) => keys,
      { DurationSeconds: '43201' },
      'the duration is not 900 to 43200 seconds',
    ],
    ['what it does not know', (keys) => keys, { Region: 'x' }, 'Region is not a parameter'],
    ['another action', (keys) => keys, { Action: 'logout' }, 'Action is missing or not known'],
  ])('is refused with %s', async (_, change, more, why) => {
    const { server, url, keys } = await loggedIn()
    expect(await tokenOf(url, change(keys), more)).toBe(400)
    expect(server.stats().refusals.at(-1)?.why).toBe(why)
  })

  test('is refused when it is over', async () => {
    const { server, url, keys } = await loggedIn()
    server.expireKeys()
    expect(await tokenOf(url, keys)).toBe(400)
    expect(server.stats().refusals.at(-1)?.why).toBe('Session is expired')
  })
})

describe('a session of a user', () => {
  const NONE = 'Session is not one of a role'

  test('is none for the console: by login', async () => {
    const { server, url, keys } = await loggedIn({ person: { kind: 'user', name: 'ada' } })
    expect(await tokenOf(url, keys)).toBe(400)
    expect(server.stats().refusals.at(-1)?.why).toBe(NONE)
  })
})

describe('a sign-in token', () => {
  test('is good once', async () => {
    const { server, url, keys } = await loggedIn()
    const going = loginAt(url, await tokenOf(url, keys))
    expect((await fetch(going, { redirect: 'manual' })).status).toBe(302)
    expect((await fetch(going, { redirect: 'manual' })).status).toBe(400)
    expect(server.stats().refusals.at(-1)).toMatchObject({
      door: 'console-login',
      why: 'SigninToken is spent or expired',
    })
  })

  test('is good for a quarter of an hour, and is a secret', async () => {
    const clock = { now: Date.now() }
    const { server, url, keys } = await loggedIn({ now: () => clock.now })
    const token = await tokenOf(url, keys)
    expect(server.issued()).toContain(token)
    clock.now += 900_000
    expect((await fetch(loginAt(url, token), { redirect: 'manual' })).status).toBe(400)
  })

  test.each<[string, Record<string, string>, string]>([
    ['of nobody', { SigninToken: 'x' }, 'SigninToken is not known'],
    [
      'to a page of another site',
      { Destination: 'https://aws.amazon.com.example.com/' },
      'Destination is no console of AWS',
    ],
  ])('is refused %s, and is still good', async (_, more, why) => {
    const { server, url, keys } = await loggedIn()
    const token = await tokenOf(url, keys)
    expect((await fetch(loginAt(url, token, more), { redirect: 'manual' })).status).toBe(400)
    expect(server.stats().refusals.at(-1)?.why).toBe(why)
    expect((await fetch(loginAt(url, token), { redirect: 'manual' })).status).toBe(302)
  })
})
