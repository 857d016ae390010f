/** The client over the strict stand-in for AWS, which shares the played clock. */
import { onTestFinished } from 'vitest'
import type { Config, Identity } from '../../src/config/schema.ts'
import type { KeysCredential } from '../../src/core/types.ts'
import { getCallerIdentity } from '../../src/sts/aws.ts'
import type { AwsOptions, Role } from '../stand-ins/aws/options.ts'
import { type AwsStandIn, startAws } from '../stand-ins/aws/server.ts'
import { type WorldOptions, world } from './client-context.ts'

export const ACCOUNT = '111122223333'
export const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`
export const DEVICE = `arn:aws:iam::${ACCOUNT}:mfa/ada`
/** Of the stand-in's `ada`: AWS' own examples. */
export const ID = 'AKIAIOSFODNN7EXAMPLE'
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
export const KEYS = { access_key_id: ID, secret_access_key: SECRET }
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const configured = (identities: Record<string, Identity>): Config => ({ auth: { identities } })

export const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`
/** Everybody of the account may assume it. */
export const role = (name: string, more: Partial<Role> = {}): Role => ({
  arn: roleArn(name),
  trust: [`arn:aws:iam::${ACCOUNT}:root`],
  ...more,
})
export const assumes = (identity: string, name: string, principal: Identity['principal'] = {}): Identity => ({
  kind: 'aws/assume-role',
  via: { identity },
  principal: { role_arn: roleArn(name), ...principal },
})

export async function cloud(options: AwsOptions = {}, more: WorldOptions = {}) {
  const aws = await startAws({ regions: ['us-east-1', 'eu-west-1'], ...options })
  onTestFinished(() => aws.close())
  const env = { AWS_ENDPOINT_URL: aws.url, ...more.env }
  const w = await world({ ...more, env })
  const ahead = options.clockOffset ?? 0
  /** Time passes for AWS, too. */
  const advance = (milliseconds: number) => {
    w.advance(milliseconds)
    aws.setClockOffset(w.host.now() - Date.now() + ahead)
  }
  const keys = async (name?: string) => (await w.daypass.credential(name)) as KeysCredential
  const region = options.regions?.[0] ?? 'us-east-1'
  /** Whose the keys are, as AWS says; or its code for why it does not take them. */
  const callerWith = async (credential: KeysCredential) => {
    const at = { url: aws.url, region, clockOffset: w.host.now() - Date.now() + ahead }
    const outcome = await getCallerIdentity(w.host, at, credential)
    return 'value' in outcome ? outcome.value.arn : outcome.refusal.code
  }
  const caller = async (name?: string) => callerWith(await keys(name))
  const row = async (name: string) => (await w.daypass.status(name)).row
  return { aws, ...w, advance, keys, caller, callerWith, row, login: w.daypass.login }
}

export type Cloud = Awaited<ReturnType<typeof cloud>>

export const renewals = (aws: AwsStandIn) => aws.stats().sessions.map((session) => session.renewals)

/** How often a door of the stand-in was asked. */
export const asked = (aws: AwsStandIn, door: keyof ReturnType<AwsStandIn['stats']>['by']) =>
  aws.stats().by[door] ?? 0

export const session = (name: string, called: string) =>
  `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/${called}`
export const WORK: Identity = { kind: 'aws/user' }
export const STATIC: Identity = { kind: 'aws/user', credentials: KEYS }

/** `admin`, made from `work`. */
export function withAdmin(
  principal: Identity['principal'] = {},
  more: {
    parent?: Identity
    identity?: Partial<Identity>
    role?: Partial<Role>
    aws?: AwsOptions
  } & WorldOptions = {},
) {
  const { parent = WORK, identity, role: about, aws, ...options } = more
  const config = configured({ work: parent, admin: { ...assumes('work', 'Admin', principal), ...identity } })
  return cloud({ roles: [role('Admin', about)], ...aws }, { ...options, config })
}
