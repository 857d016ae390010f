/** The client over the strict stand-in for Alibaba Cloud, which shares the played clock. */
import { onTestFinished } from 'vitest'
import type { Config, Identity } from '../../src/config/schema.ts'
import type { KeysCredential } from '../../src/core/types.ts'
import { alibabaSts } from '../../src/sts/alibaba.ts'
import type { AlibabaOptions, Role } from '../stand-ins/alibaba/options.ts'
import { type AlibabaStandIn, startAlibaba } from '../stand-ins/alibaba/server.ts'
import { type WorldOptions, world } from './client-context.ts'

export const ACCOUNT = '1234567890123456'
export const ADA = `acs:ram::${ACCOUNT}:user/ada`
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const roleArn = (name: string) => `acs:ram::${ACCOUNT}:role/${name}`
/** Everybody of the account may assume it. */
export const role = (name: string, more: Partial<Role> = {}): Role => ({
  arn: roleArn(name),
  trust: [`acs:ram::${ACCOUNT}:root`],
  ...more,
})
export const session = (name: string, called: string) => `acs:ram::${ACCOUNT}:assumed-role/${name}/${called}`
export const assumes = (identity: string, name: string, principal: Identity['principal'] = {}): Identity => ({
  kind: 'alibaba/ram-role',
  via: { identity },
  principal: { role_arn: roleArn(name), ...principal },
})

interface CloudOptions extends WorldOptions {
  /** What is said of `work`, an `alibaba/user` at the stand-in. */
  work?: Partial<Identity>
  /** Beside it. */
  identities?: Record<string, Identity>
}

export async function cloud(options: AlibabaOptions = {}, more: CloudOptions = {}) {
  let now = Date.now
  const ali = await startAlibaba({ now: () => now(), ...options })
  onTestFinished(() => ali.close())
  const { work, identities = {}, ...rest } = more
  const endpoints = { signin: ali.url, oauth: ali.url, sts: ali.url }
  const own: Identity = { kind: 'alibaba/user', endpoints, ...work }
  const others = Object.entries(identities).map(([name, one]) => [name, { endpoints, ...one }])
  const config: Config = { auth: { identities: { work: own, ...Object.fromEntries(others) } } }
  const w = await world({ config, ...rest })
  // Time passes for Alibaba Cloud, too.
  now = w.host.now
  const keys = async (name = 'work') => (await w.daypass.credential(name)) as KeysCredential
  /** Whose the keys are, as Alibaba Cloud says; or its code for why it does not take them. */
  const callerWith = async (credential: KeysCredential) => {
    const at = { url: ali.url, region: 'cn-hangzhou', clockOffset: options.clockOffset ?? 0 }
    const outcome = await alibabaSts.getCallerIdentity(w.host, at, credential)
    return 'value' in outcome ? outcome.value.arn : outcome.refusal.code
  }
  const caller = async (name?: string) => callerWith(await keys(name))
  const row = async (name = 'work') => (await w.daypass.status(name)).row
  return { ali, ...w, keys, caller, callerWith, row, login: w.daypass.login }
}

/** How often a door of the stand-in was asked. */
export const asked = (ali: AlibabaStandIn, door: keyof ReturnType<AlibabaStandIn['stats']>['by']) =>
  ali.stats().by[door] ?? 0

/** Nothing is configured, and everything that is sent to Alibaba Cloud's own hosts ends at the stand-in. */
export async function atHome(options: AlibabaOptions = {}, more: WorldOptions = {}) {
  const ali = await startAlibaba(options)
  onTestFinished(() => ali.close())
  const spoken = new Set<string>()
  const here = (url: string) => {
    const { host, origin } = new URL(url)
    spoken.add(host)
    return url.replace(origin, ali.url)
  }
  const w = await world({
    ...more,
    fetch: (input, init = {}) => {
      const headers = new Headers(init.headers)
      headers.set('x-forwarded-host', new URL(String(input)).host)
      return fetch(here(String(input)), { ...init, headers })
    },
  })
  const open = w.host.openBrowser
  // The browser of another machine is given the provider's address itself, which can be changed here.
  const { detectRuntimeEnvironment } = w.host
  w.host.detectRuntimeEnvironment = () => ({
    ...detectRuntimeEnvironment(),
    container: true,
    browserSet: true,
  })
  w.host.openBrowser = (url, command) => open(here(url), command)
  const row = async (name = 'alibaba') => (await w.daypass.status(name)).row
  return { ali, ...w, row, spoken, login: w.daypass.login }
}
