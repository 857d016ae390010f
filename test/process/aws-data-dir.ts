/** A home that is signed in to AWS, at a stand-in of its own, and its roles. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { KeysCredential } from '../../src/core/types.ts'
import { box, change } from '../cli/story.ts'
import { BROWSER, type Result, type Sandbox } from '../kit/cli.ts'
import type { AwsOptions } from '../stand-ins/aws/options.ts'
import { type AwsStandIn, startAws } from '../stand-ins/aws/server.ts'

const ACCOUNT = '111122223333'

const arn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`

/** `work`, and `admin` made from it, and `audit` made from that. */
const CONFIG = `auth:
  identities:
    work: { kind: aws/user }
    admin: { kind: aws/assume-role, via: { identity: work }, principal: { role_arn: "${arn('Admin')}" } }
    audit: { kind: aws/assume-role, via: { identity: admin }, principal: { role_arn: "${arn('Audit')}" } }
`

const ROLES = [
  { arn: arn('Admin'), trust: [`arn:aws:iam::${ACCOUNT}:root`] },
  { arn: arn('Audit'), trust: [arn('Admin')] },
]

export interface AwsHome {
  one: Sandbox
  aws: AwsStandIn
}

/** Logged in to `work` by the scripted browser. */
export async function signedIn(options: AwsOptions = {}): Promise<AwsHome> {
  const aws = await startAws({ regions: ['us-east-1'], roles: ROLES, ...options })
  onTestFinished(() => aws.close())
  const one = box({ AWS_ENDPOINT_URL: aws.url, BROWSER })
  mkdirSync(one.daypassHome, { recursive: true, mode: 0o700 })
  writeFileSync(join(one.daypassHome, 'config.yaml'), CONFIG, { mode: 0o600 })
  await expectDone(one, 'login work')
  return { one, aws }
}

/** Throws unless it succeeds. */
export async function expectDone(one: Sandbox, words: string): Promise<Result> {
  const result = await one.run(words.split(' '))
  if (result.code !== 0) throw new Error(`${words}: ${result.code}\n${result.stderr}`)
  return result
}

/** Its keys are over, by our own record of them. */
export function stale(one: Sandbox, name: string): Promise<void> {
  const past = { issuedAt: Date.now() - 3_600_000, expiresAt: Date.now() - 1000 }
  return change(one, name, ({ header, grant }) => ({
    header: { ...header, ...past },
    grant: { ...grant!, credential: { ...(grant!.credential as KeysCredential), ...past } },
  }))
}

export const crowd = (one: Sandbox, size: number, args: (index: number) => string): Promise<Result[]> =>
  Promise.all(
    Array.from({ length: size }, (_, index) => one.run(args(index).split(' '), { timeout: 60_000 })),
  )

export const distinct = (results: readonly Result[], part: keyof Result) => [
  ...new Set(results.map((one) => one[part])),
]

/** Resolves when a door of the stand-in was asked so often. */
export async function askedOf(aws: AwsStandIn, door: 'refresh' | 'AssumeRole', times: number): Promise<void> {
  while ((aws.stats().by[door] ?? 0) < times) await new Promise((resolve) => setImmediate(resolve))
}
