/** AWS identities over the client: signing in, keys, second factors, roles; against the strict stand-in. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Config, Identity } from '../../src/config/schema.ts'
import type { KeysCredential } from '../../src/core/types.ts'
import { callerIdentity } from '../../src/derive/aws-sts.ts'
import type { AwsOptions } from '../aws/options.ts'
import { type AwsStandIn, startAws } from '../aws/server.ts'
import { failureOf, type WorldOptions, world } from './world.ts'

const ADA = 'arn:aws:iam::111122223333:user/ada'
const configured = (identities: Record<string, Identity>): Config => ({ auth: { identities } })

async function cloud(options: AwsOptions = {}, more: WorldOptions = {}) {
  const aws = await startAws({ regions: ['us-east-1', 'eu-west-1'], ...options })
  onTestFinished(() => aws.close())
  const env = { AWS_ENDPOINT_URL: aws.url, ...more.env }
  const w = await world({ ...more, env })
  /** Time passes for AWS, too. */
  const advance = (milliseconds: number) => {
    w.advance(milliseconds)
    aws.setClockOffset(w.host.now() - Date.now())
  }
  const keys = async (name?: string) => (await w.daypass.credential(name)) as KeysCredential
  const caller = async (name?: string) => {
    const outcome = await callerIdentity(
      w.host,
      { url: aws.url, region: options.regions?.[0] ?? 'us-east-1', clockOffset: w.host.now() - Date.now() },
      await keys(name),
    )
    return 'value' in outcome ? outcome.value.arn : outcome.refusal.code
  }
  return { aws, ...w, advance, keys, caller, login: w.daypass.login }
}

const renewals = (aws: AwsStandIn) => aws.stats().sessions.map((session) => session.renewals)
const MINUTE = 60_000

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
