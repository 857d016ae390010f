/** Every way in which Sign-In says no, or says nothing, at a login and at a renewal. */
import { describe, expect, test } from 'vitest'
import { type ErrorCode, EXIT } from '../../src/core/errors.ts'
import type { Fault, SignInError } from '../stand-ins/aws/options.ts'
import { ADA, asked, cloud, MINUTE, renewals } from './aws-context.ts'
import { failureOf } from './client-context.ts'

const AGAIN = 'daypass login work'
const POLICY =
  'attach the managed policy SignInLocalDevelopmentAccess, or allow signin:AuthorizeOAuth2Access and signin:CreateOAuth2Token'
const LATER = 'the server asks to be left alone: try again in 1s'
const TROUBLE = 'that is the trouble of the server: try again in a while'
const NOT_TAKEN =
  /^AWS Sign-In does not take this request \(\S+ answered 400 INVALID_REQUEST The request is not valid\)$/

type Row = [code: SignInError, exit: number, message: RegExp, hint: string]
const AT_LOGIN: Row[] = [
  ['TOKEN_EXPIRED', 4, /^the AWS session is over \(\S+ answered 401 TOKEN_EXPIRED /, AGAIN],
  ['AUTHCODE_EXPIRED', 4, /^the code expired before it was redeemed \(/, AGAIN],
  ['USER_CREDENTIALS_CHANGED', 4, /^the password was changed since the login \(/, AGAIN],
  ['INSUFFICIENT_PERMISSIONS', 6, /^this principal may not sign in from the command line \(/, POLICY],
  ['INVALID_REQUEST', 4, NOT_TAKEN, AGAIN],
  ['TOO_MANY_REQUESTS', 5, /^\S+ answered 429 INVALID_REQUEST Too many requests$/, LATER],
  ['server_error', 5, /^\S+ answered 500 server_error An internal error occurred$/, TROUBLE],
]

const needed = (why: RegExp) => new RegExp(why.source.replace('^', '^work needs a login: '))
const AT_RENEWAL: Row[] = AT_LOGIN.map(([code, exit, message, hint]) => [
  code,
  exit,
  exit === 4 ? needed(message) : message,
  hint,
])

describe('a login that Sign-In refuses', () => {
  test.each(AT_LOGIN)('with %s is exit %i, and one thing to type', async (refuse, exit, message, hint) => {
    const w = await cloud()
    w.aws.failNext({ door: 'code', refuse })
    const error = await failureOf(w.login('aws', { name: 'work' }))
    expect(EXIT[error.code as ErrorCode]).toBe(exit)
    expect(error.message).toMatch(message)
    expect(error.hint).toBe(hint)
    expect(await w.vault.names()).toEqual([])
    await w.login('aws', { name: 'work' })
  })

  test('because the person says no is exit 6', async () => {
    const w = await cloud({ consent: 'deny' })
    expect(await failureOf(w.login('aws', { name: 'work' }))).toMatchObject({ code: 'refused' })
    expect(await w.vault.names()).toEqual([])
  })
})

describe('a renewal that Sign-In refuses', () => {
  const stale = async (minutes: number) => {
    const w = await cloud()
    await w.login('aws', { name: 'work' })
    w.advance(minutes * MINUTE)
    return w
  }

  test.each(AT_RENEWAL)('with %s is exit %i, and one thing to type', async (refuse, exit, message, hint) => {
    const w = await stale(16)
    w.aws.failNext({ door: 'refresh', refuse })
    const error = await failureOf(w.keys('work'))
    expect(EXIT[error.code as ErrorCode]).toBe(exit)
    expect(error.message).toMatch(message)
    expect(error.hint).toBe(hint)
    const dead = refuse.startsWith('TOKEN') || refuse.startsWith('AUTH') || refuse.startsWith('USER')
    expect((await w.header('work')).loginRequired !== undefined).toBe(dead)
    // Nothing is deleted, and what was no last word is asked again.
    expect((await w.vault.read('work'))?.grant?.refreshToken).toBeDefined()
    if (!dead) expect(await w.caller('work')).toBe(ADA)
    else expect(await w.row('work')).toMatchObject({ state: 'login_required' })
  })

  test.each(['TOO_MANY_REQUESTS', 'server_error'] as const)(
    'with %s hands out what is left, with one warning',
    async (refuse) => {
      const w = await stale(12)
      w.aws.failNext({ door: 'refresh', refuse })
      expect(await w.caller('work')).toBe(ADA)
      expect(w.warned).toHaveLength(1)
      expect(w.warned[0]).toMatch(/^work could not be renewed, using what is left of it: /)
    },
  )

  test.each(['TOKEN_EXPIRED', 'USER_CREDENTIALS_CHANGED', 'INSUFFICIENT_PERMISSIONS'] as const)(
    'because AWS ended the session with %s is told likewise',
    async (end) => {
      const w = await stale(12)
      w.aws.endSessions(end)
      const [, , message, hint] = AT_RENEWAL.find(([code]) => code === end)!
      const error = await failureOf(w.keys('work'))
      expect(error.message).toMatch(message)
      expect(error.hint).toBe(hint)
    },
  )
})

describe('an answer that is lost', () => {
  const begin = async () => {
    const w = await cloud()
    await w.login('aws', { name: 'work' })
    w.advance(16 * MINUTE)
    return w
  }
  const LOST: Fault = { door: 'refresh', cut: 'after' }

  test('before AWS acted costs nothing', async () => {
    const w = await begin()
    w.aws.failNext({ door: 'refresh', cut: 'before' })
    expect(await failureOf(w.keys('work'))).toMatchObject({ code: 'network' })
    expect(await w.caller('work')).toBe(ADA)
    expect(renewals(w.aws)).toEqual([1])
  })

  test('costs nothing either while AWS answers the same refresh token again', async () => {
    const w = await begin()
    w.aws.failNext(LOST)
    expect(await failureOf(w.keys('work'))).toMatchObject({ code: 'network' })
    expect((await w.header('work')).unanswered).toBeDefined()
    expect(await w.caller('work')).toBe(ADA)
    expect(w.aws.stats().sessions).toMatchObject([{ renewals: 1, replays: 1, reuses: 0 }])
    expect(await w.header('work')).not.toHaveProperty('unanswered')
    w.advance(11 * MINUTE)
    expect(await w.caller('work')).toBe(ADA)
    expect(w.aws.stats().sessions).toMatchObject([{ renewals: 2 }])
  })

  test('is told as that when the login went with it', async () => {
    const played = { ahead: 0 }
    const w = await cloud({ now: () => Date.now() + played.ahead })
    await w.login('aws', { name: 'work' })
    w.advance(16 * MINUTE)
    w.aws.failNext(LOST)
    await failureOf(w.keys('work'))
    played.ahead = 2 * MINUTE
    const error = await failureOf(w.keys('work'))
    expect(error).toMatchObject({ code: 'login_required', hint: AGAIN })
    expect(error.message).toMatch(
      /^work needs a login: the answer to its renewal of \S+Z was lost, and the server no longer takes the refresh token that it replaced$/,
    )
    expect(await w.row('work')).toMatchObject({ lost_renewals: 1 })
  })

  test('to the redemption of a code keeps nothing, and is a passing failure', async () => {
    const w = await cloud()
    w.aws.failNext({ door: 'code', cut: 'after' })
    expect(await failureOf(w.login('aws', { name: 'work' }))).toMatchObject({ code: 'network' })
    expect(await w.vault.names()).toEqual([])
  })
})

describe('an answer that is spelled otherwise, or lacks something', () => {
  test('is read in snake case, at a login and at a renewal', async () => {
    const w = await cloud()
    w.aws.failNext({ door: 'code', snakeCase: true })
    w.aws.failNext({ door: 'refresh', snakeCase: true })
    await w.login('aws', { name: 'work' })
    expect(await w.row('work')).toMatchObject({ principal: ADA })
    w.advance(11 * MINUTE)
    expect(await w.caller('work')).toBe(ADA)
    expect(renewals(w.aws)).toEqual([1])
  })

  const torn = (keys: object | undefined) => ({
    body: JSON.stringify({
      accessToken: keys,
      tokenType: 'aws_sigv4',
      expiresIn: 900,
      refreshToken: 'the-rotated-one-0123456789',
    }),
  })

  test.each([undefined, {}, { accessKeyId: 'ASIAX', secretAccessKey: 'half' }])(
    'keeps the rotated refresh token when the keys are %j',
    async (keys) => {
      const w = await cloud()
      await w.login('aws', { name: 'work' })
      const before = (await w.vault.read('work'))!.grant!.credential
      w.advance(11 * MINUTE)
      w.aws.failNext({ door: 'refresh', ...torn(keys) })
      const error = await failureOf(w.keys('work'))
      expect(error.code).toBe('refused')
      expect(error.message).not.toMatch(/half|the-rotated-one/)
      expect(await w.refreshToken('work')).toBe('the-rotated-one-0123456789')
      expect((await w.vault.read('work'))!.grant!.credential).toEqual(before)
    },
  )

  test('is no login without keys', async () => {
    const w = await cloud()
    w.aws.failNext({ door: 'code', ...torn({ accessKeyId: 'ASIAX' }) })
    expect(await failureOf(w.login('aws', { name: 'work' }))).toMatchObject({ code: 'refused' })
    expect(await w.vault.names()).toEqual([])
  })
})

describe.each([10 * MINUTE, -10 * MINUTE, 20 * MINUTE, -20 * MINUTE])(
  'a clock that AWS sees %i ms off',
  (clockOffset) => {
    test('hinders no login, no renewal and no signature, and the end is shown on our own', async () => {
      const w = await cloud({ clockOffset })
      await w.login('aws', { name: 'work' })
      const { expires_at } = await w.row('work')
      expect(Math.abs(Date.parse(expires_at!) - w.host.now() - 15 * MINUTE)).toBeLessThan(5000)
      expect(await w.row('work')).toMatchObject({ state: 'valid', principal: ADA })
      expect(Math.abs((await w.header('work')).clockOffset! - clockOffset)).toBeLessThan(3000)
      w.advance(9 * MINUTE)
      const first = await w.keys('work')
      w.advance(2 * MINUTE)
      expect((await w.keys('work')).accessKeyId).not.toBe(first.accessKeyId)
      expect(await w.caller('work')).toBe(ADA)
      expect(renewals(w.aws)).toEqual([1])
      // The login's first proof was of our own clock; what was learnt served the rest.
      expect(w.aws.stats().refusals.map(({ door }) => door)).toEqual(['code'])
      expect(asked(w.aws, 'refresh')).toBe(1)
    })
  },
)
