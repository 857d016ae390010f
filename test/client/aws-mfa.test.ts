/** A second factor: long-term keys open a session with a code, and the session is what is used. */
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import {
  ADA,
  asked,
  assumes,
  cloud,
  configured,
  DEVICE,
  HOUR,
  ID,
  KEYS,
  MINUTE,
  role,
  SECRET,
} from './aws-context.ts'
import { failureOf } from './client-context.ts'

const DUTY = { AWS_REGION: 'us-east-1' }
const withKeys: Identity = { kind: 'aws/user', credentials: { ...KEYS, mfa_arn: DEVICE } }
const withoutKeys: Identity = { kind: 'aws/user', credentials: { mfa_arn: DEVICE } }

/** A person who types what the device shows. */
const person = (identity: Identity, ...types: string[]) => ({
  config: configured({ work: identity }),
  env: DUTY,
  interactive: true,
  types,
})

describe.each([
  ['keys of the configuration', withKeys, [] as string[], [] as string[]],
  ['keys that a login keeps', withoutKeys, [SECRET], [ID]],
])('%s and a device', (_, identity, secrets, answers) => {
  const begin = async (more: string[] = []) => {
    const w = await cloud({}, { ...person(identity, ...secrets, '123 456', ...more), answers })
    await w.login('work', { method: 'keys' })
    return w
  }

  test('open a session with a code, and the session is handed out', async () => {
    const w = await begin()
    expect(w.asked.at(-1)).toBe(`Code of ${DEVICE}:`)
    const { accessKeyId, sessionToken } = await w.keys('work')
    expect(accessKeyId).not.toBe(ID)
    expect(sessionToken).toBeDefined()
    expect(await w.caller('work')).toBe(ADA)
    const { issuedAt, expiresAt } = await w.header('work')
    expect(expiresAt! - issuedAt!).toBeGreaterThan(12 * HOUR - 2000)
    expect(await w.row('work')).toMatchObject({
      state: 'valid',
      method: 'keys',
      principal: ADA,
      store: 'memory',
    })
    expect(asked(w.aws, 'GetSessionToken')).toBe(1)
  })

  test('are over with their session: without a terminal the error says what to type, and that asks the code alone', async () => {
    const w = await begin(['234567'])
    w.advance(12 * HOUR)
    const asks = w.asked.length
    const over = { code: 'login_required', hint: 'daypass login work' }
    expect(await failureOf(w.keys('work'))).toMatchObject(over)
    expect(await w.daypass.refresh('work')).toMatchObject({ outcome: 'failed', error: over })
    expect(await w.row('work')).toMatchObject({ state: 'expired' })
    expect(w.asked).toHaveLength(asks)
    await w.login('work')
    expect(w.asked.slice(asks)).toEqual([`Code of ${DEVICE}:`])
    expect(await w.caller('work')).toBe(ADA)
  })

  test('stay as they were when the code is wrong', async () => {
    const w = await begin(['000000'])
    const { accessKeyId } = await w.keys('work')
    const error = await failureOf(w.login('work'))
    expect(error).toMatchObject({ code: 'refused' })
    expect(error.message).toMatch(/MultiFactorAuthentication failed with invalid MFA one time pass code/)
    expect(error.message).not.toContain('000000')
    expect((await w.keys('work')).accessKeyId).toBe(accessKeyId)
  })

  test('want a code of six digits', async () => {
    const w = await begin(['12345'])
    expect(await failureOf(w.login('work'))).toMatchObject({
      code: 'usage',
      message: 'a code has six digits',
    })
    expect(asked(w.aws, 'GetSessionToken')).toBe(1)
  })
})

describe('a session with a second factor', () => {
  test('lasts as long as session.duration says, twelve hours at most', async () => {
    for (const [duration, life] of [
      ['1h', HOUR],
      ['36h', 12 * HOUR],
    ] as const) {
      const w = await cloud({}, person({ ...withKeys, session: { duration } }, '123456'))
      await w.login('work')
      const { issuedAt, expiresAt } = await w.header('work')
      expect(Math.abs(expiresAt! - issuedAt! - life)).toBeLessThan(2000)
    }
  })

  test('is asked for by a login on a terminal alone', async () => {
    const w = await cloud({}, { ...person(withKeys, '123456'), interactive: false })
    expect(await failureOf(w.keys('work'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect(await w.row('work')).toMatchObject({ state: 'login_required' })
    expect(await w.daypass.refresh('work')).toMatchObject({ outcome: 'failed' })
    expect(w.asked).toEqual([])
    expect(await failureOf(w.login('work'))).toMatchObject({
      code: 'login_required',
      message: `work needs a code of ${DEVICE}, and there is nobody to ask`,
      hint: 'on a terminal: daypass login work',
    })
    expect(w.asked).toEqual([])
  })

  test('of other keys, or of another device, is not used any more', async () => {
    const identity = structuredClone(withKeys)
    const w = await cloud({}, person(identity, '123456'))
    await w.login('work')
    identity.credentials!.access_key_id = 'AKIAOTHER'
    const error = await failureOf(w.keys('work'))
    expect(error).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(error.message).toBe('work has keys in config.yaml, and no session of theirs is open')
    expect(await w.row('work')).toMatchObject({ state: 'login_required' })
  })

  test('opens a role that wants one', async () => {
    const roles = [role('Admin', { mfa: true })]
    const config = configured({ work: withKeys, admin: assumes('work', 'Admin') })
    const w = await cloud({ roles }, { ...person(withKeys, '123456'), config })
    expect(await failureOf(w.keys('admin'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    await w.login('admin')
    expect(await w.caller('admin')).toBe('arn:aws:sts::111122223333:assumed-role/Admin/daypass-admin')
    w.advance(12 * HOUR - 30 * MINUTE)
    expect(await w.caller('admin')).toMatch(/assumed-role\/Admin/)
    w.advance(12 * HOUR)
    expect(await failureOf(w.keys('admin'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect(w.asked).toHaveLength(1)
  })
})
