/** A home that is logged in to Alibaba Cloud, at a stand-in of its own, and its roles. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Daypass } from '../../src/index.ts'
import { box, change } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import type { AlibabaOptions } from '../stand-ins/alibaba/options.ts'
import { type AlibabaStandIn, startAlibaba } from '../stand-ins/alibaba/server.ts'
import { inProcess } from './data-dir.ts'

const arn = (name: string) => `acs:ram::1234567890123456:role/${name}`

/** `work`, and `admin` made from it. */
const config = (url: string) => `auth:
  identities:
    work: { kind: alibaba/user, endpoints: { signin: "${url}", oauth: "${url}", sts: "${url}" } }
    keys: { kind: alibaba/user, endpoints: { signin: "${url}", oauth: "${url}", sts: "${url}" } }
    admin:
      kind: alibaba/ram-role
      via: { identity: work }
      principal: { role_arn: "${arn('Admin')}" }
      endpoints: { sts: "${url}" }
`

export interface AlibabaHome {
  one: Sandbox
  ali: AlibabaStandIn
  /** The same vault in this process, which spares the start of another. */
  daypass: Daypass
  close(): Promise<void>
}

/** Logged in to `work` by the scripted browser. */
export async function signedIn(options: AlibabaOptions = {}): Promise<AlibabaHome> {
  const roles = [{ arn: arn('Admin'), trust: ['acs:ram::1234567890123456:root'] }]
  const ali = await startAlibaba({ roles, ...options })
  const one = box({ BROWSER })
  mkdirSync(one.daypassHome, { recursive: true, mode: 0o700 })
  const file = join(one.daypassHome, 'config.yaml')
  writeFileSync(file, config(ali.url), { mode: 0o600 })
  // Old enough for its compiled copy to be written now.
  utimesSync(file, 1e9, 1e9)
  const daypass = inProcess(one)
  await daypass.login('work', { method: 'browser' })
  const close = async () => {
    await one.remove()
    await ali.close()
  }
  return { one, ali, daypass, close }
}

/** By our own record of them, the keys are over, and the access token has so many milliseconds left of an hour. */
export function stale(one: Sandbox, access: number): Promise<void> {
  const ending = (left: number) => ({
    issuedAt: Date.now() + left - 3_600_000,
    expiresAt: Date.now() + left,
  })
  return change(one, 'work', ({ header, grant }) => {
    const { credential, source } = grant!
    const over = ending(-1000)
    return {
      header: { ...header, ...over },
      grant: {
        ...grant!,
        credential: { ...credential, ...over },
        source: { ...source!, ...ending(access) },
      },
    }
  })
}
