/** Signing in to AWS and staying signed in, over the client; against the strict stand-in. */
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/config/schema.ts'
import { ADA, cloud, configured, MINUTE, renewals } from './aws-context.ts'
import { failureOf } from './client-context.ts'

describe('signing in', () => {
  test('gives keys that AWS takes, and says whose they are, for how long and where it was', async () => {
    const w = await cloud({ regions: ['eu-west-1'] })
    await w.login('aws', { name: 'work', given: { params: { region: 'eu-west-1' } } })
    expect(await w.caller('work')).toBe(ADA)
    const { row } = await w.daypass.status('work')
    expect(row).toMatchObject({
      kind: 'aws/user',
      account: '111122223333',
      principal: ADA,
      region: 'eu-west-1',
      method: 'browser',
      state: 'valid',
    })
    const { issuedAt, expiresAt, sessionExpiresAt, clientId } = await w.header('work')
    expect(expiresAt! - issuedAt!).toBe(900_000)
    expect(sessionExpiresAt! - issuedAt!).toBe(12 * 60 * MINUTE)
    expect(clientId).toBe('arn:aws:signin:::devtools/same-device')
    expect(w.aws.stats().refusals).toEqual([])
  })

  test('is renewed with five minutes left, by the key of its login, and for twelve hours', async () => {
    const w = await cloud()
    await w.login('aws', { name: 'work' })
    const first = await w.keys('work')
    w.advance(9 * MINUTE)
    expect((await w.keys('work')).accessKeyId).toBe(first.accessKeyId)
    w.advance(2 * MINUTE)
    expect((await w.keys('work')).accessKeyId).not.toBe(first.accessKeyId)
    expect(renewals(w.aws)).toEqual([1])
    expect(await w.caller('work')).toBe(ADA)
    w.advance(12 * 60 * MINUTE)
    const over = await failureOf(w.keys('work'))
    expect(over).toMatchObject({ code: 'login_required', hint: 'daypass login work' })
    expect(over.message).toMatch(/^work needs a login: its session ended at \d{4}-/)
    expect(await w.daypass.status('work')).toMatchObject({ row: { state: 'expired' } })
    expect(w.aws.stats().refusals).toEqual([])
  })

  test('lasts no longer than session.duration says', async () => {
    const config = configured({ work: { kind: 'aws/user', session: { duration: '1h' } } })
    const w = await cloud({}, { config })
    await w.login('work')
    w.advance(55 * MINUTE)
    await w.keys('work')
    w.advance(16 * MINUTE)
    expect(await failureOf(w.keys('work'))).toMatchObject({ code: 'login_required' })
    expect(renewals(w.aws)).toEqual([1])
  })

  test('is sent nowhere but to the server that it was done at', async () => {
    const w = await cloud()
    await w.login('aws', { name: 'work' })
    const other = await cloud()
    // It is about every service, and read for the sign-in at a login alone.
    Object.assign(w.host.env, { AWS_ENDPOINT_URL: other.aws.url })
    w.advance(11 * MINUTE)
    await w.keys('work')
    Object.assign(w.host.env, { AWS_ENDPOINT_URL_SIGNIN: other.aws.url })
    w.advance(11 * MINUTE)
    const error = await failureOf(w.keys('work'))
    expect(error).toMatchObject({ code: 'refused' })
    expect(error.message).toBe(
      `AWS_ENDPOINT_URL_SIGNIN leads to ${new URL(other.aws.url).host}, and work is not for that host`,
    )
    expect(error.hint).toBe('unset AWS_ENDPOINT_URL_SIGNIN; or, to use work there: daypass login work')
    expect(other.aws.stats().requests).toBe(0)
  })

  test('is bound to the region it was done at, whatever region the identity works in now', async () => {
    const identity: Identity = { kind: 'aws/user', credentials: { region: 'us-east-1' } }
    const config = configured({ work: identity })
    const w = await cloud({}, { config })
    await w.login('work')
    const { token } = (await w.header('work')).endpoints!
    identity.credentials = { region: 'eu-west-1' }
    w.advance(11 * MINUTE)
    await w.keys('work')
    expect((await w.header('work')).endpoints!.token).toBe(token)
    expect(renewals(w.aws)).toEqual([1])
    expect((await w.daypass.status('work')).row.region).toBe('eu-west-1')
  })
})
