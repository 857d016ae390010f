import type { LoginRequest } from '../../client/login.ts'
import type { LoginOutcome } from '../../client/store-login.ts'
import { formatDuration, isoTime, parseDuration } from '../../core/duration.ts'
import { DaypassError, EXIT, isDaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { shown } from '../../core/text.ts'
import type { Method } from '../../core/types.ts'
import type { Given } from '../../identity/definition.ts'
import { builtIn } from '../../providers/index.ts'
import { flagOf, listParamFlags } from '../../providers/param.ts'
import { pickLogin } from '../login/picker.ts'
import { afterOneLogin, typedLogin } from '../login/single-flight.ts'
import type { Answer, World } from '../output/result.ts'
import { jsonLine } from '../output/result.ts'
import { accountWords, expiryWords, sessionWords, sheet, storeWords } from '../output/text.ts'

/** The flags of `login`, as commander reads them. */
export interface LoginFlags {
  name?: string | undefined
  method?: Method | undefined
  browser?: boolean | string | undefined
  remote?: boolean | undefined
  device?: boolean | undefined
  interactive?: string | undefined
  tokenStdin?: boolean | undefined
  withToken?: string | boolean | undefined
  setDefault?: boolean | undefined
  apiUrl?: string | undefined
  clientId?: string | undefined
  scopes?: string | undefined
  port?: string | undefined
  timeout?: string | undefined
  loginHint?: string | undefined
  prompt?: string | undefined
  qr?: boolean | undefined
  force?: boolean | undefined
  start?: boolean | undefined
  finish?: string | undefined
  wait?: string | undefined
  callbackUrl?: string | undefined
  code?: string | undefined
}

export async function login(
  world: World,
  target: string | undefined,
  name: string | undefined,
  flags: LoginFlags,
): Promise<Answer> {
  if (flags.finish !== undefined) return finish(world, flags.finish, flags)
  if (name !== undefined && flags.name !== undefined && name !== flags.name) {
    throw new DaypassError('usage', 'the name was given twice', {
      hint: 'give it once: daypass login PROVIDER NAME',
    })
  }
  const chosen = target ?? (await atApi(world, flags)) ?? (await pickLogin(world))
  const request = await requestOf(world, chosen, { ...flags, name: name ?? flags.name })
  if (flags.start) return start(world, chosen, request)
  const called = request.name ?? chosen
  const logIn = () => world.daypass.login(chosen, request)
  const isKnown = (await world.daypass.names()).includes(called)
  return said(world, isKnown ? await typedLogin(world, await firstOf(world, called), logIn) : await logIn())
}

const atApi = async ({ daypass }: World, { apiUrl }: LoginFlags) =>
  apiUrl === undefined ? undefined : daypass.identityAt(apiUrl)

async function requestOf(
  world: World,
  target: string,
  flags: LoginFlags,
): Promise<Omit<LoginRequest, 'target'>> {
  const given = givenOf(await declaredParams(world, target), flags)
  const method = methodOf(flags)
  const token = await tokenOf(world, flags)
  return {
    given,
    signal: world.signal,
    ...(flags.name !== undefined && { name: flags.name }),
    ...(method && { method }),
    ...(token && { token }),
    ...(flags.setDefault && { setDefault: true }),
    ...(flags.force && { force: true }),
    ...(flags.port !== undefined && { port: portOf(flags.port) }),
    ...(typeof flags.browser === 'string' && { browser: flags.browser }),
    ...(flags.timeout !== undefined && { timeout: parseDuration(flags.timeout, '--timeout') }),
    ...(flags.loginHint !== undefined && { loginHint: flags.loginHint }),
    ...(flags.prompt !== undefined && { prompt: flags.prompt }),
    ...(flags.qr && { qr: true }),
  }
}

async function declaredParams({ daypass }: World, target: string) {
  const known = (await daypass.names()).includes(target)
  const provider = known ? (await definitionIfReadable(daypass, target))?.provider : daypass.providers[target]
  return provider && { title: provider.title, params: [...listParamFlags([provider]).keys()] }
}

/** An unreadable record does not keep anyone from logging in again. */
function definitionIfReadable(daypass: World['daypass'], name: string) {
  return daypass.definition(name).catch((error: unknown) => {
    if (isDaypassError(error, 'vault')) return undefined
    throw error
  })
}

function givenOf(declared: Awaited<ReturnType<typeof declaredParams>>, flags: LoginFlags): Given {
  const params: Record<string, string> = {}
  for (const [param, { flag, oneOf }] of listParamFlags(Object.values(builtIn))) {
    const value = readFlag(flags, param) ?? (flag.alias && readFlag(flags, flag.alias))
    if (value === undefined) continue
    if (declared && !declared.params.includes(param)) throw unknownParam(declared, param)
    // Alibaba Cloud's own command line writes its sites in capitals.
    params[param] = oneOf ? value.toLowerCase() : value
  }
  return {
    params,
    ...(flags.clientId !== undefined && { clientId: flags.clientId }),
    ...(flags.scopes !== undefined && { scopes: flags.scopes.split(/[\s,]+/).filter(Boolean) }),
  }
}

/** Of `api_url` or `api-url`: commander calls it `apiUrl`. */
const readFlag = (flags: LoginFlags, name: string): string | undefined =>
  (flags as Record<string, string | undefined>)[
    name.replace(/[_-](\w)/g, (_, letter: string) => letter.toUpperCase())
  ]

function unknownParam(
  { title, params }: { title: string; params: readonly string[] },
  param: string,
): DaypassError {
  const known = [...params.map(flagOf), '--client-id', '--scopes'].join(', ')
  return new DaypassError('usage', `${title} has no ${flagOf(param)}`, { hint: `it has ${known}` })
}

function methodOf(flags: LoginFlags): Method | undefined {
  const paste = flags.browser === false || flags.remote || flags.interactive === 'false'
  const asked = [
    flags.method,
    paste ? 'paste' : undefined,
    flags.device ? 'device' : undefined,
    flags.tokenStdin || flags.withToken ? 'token' : undefined,
  ].filter((method): method is Method => method !== undefined)
  if (new Set(asked).size <= 1) return asked[0]
  throw new DaypassError('usage', `a login has one method, not ${asked.join(' and ')}`, {
    hint: 'give one of --method, --no-browser, --device, --token-stdin',
  })
}

async function tokenOf({ host }: World, { withToken }: LoginFlags): Promise<Secret | undefined> {
  if (typeof withToken !== 'string') return undefined
  host.terminal.warn(
    'other users of this machine can read a token on a command line; --token-stdin keeps it to yourself',
  )
  return new Secret(withToken)
}

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new DaypassError('usage', '--port takes a number from 1 to 65535', {
    hint: 'leave it out, and a free one is taken',
  })
}

/** The summary goes to stderr; stdout stays empty, or has one object with `--json`. */
async function said(world: World, outcome: LoginOutcome): Promise<Answer> {
  const { daypass, host, json, paintError } = world
  const listed = await daypass.status(outcome.header.name)
  const { row } = listed
  const provider = daypass.providers[row.provider]
  const account = accountWords(listed)
  host.terminal.say(
    [
      `${paintError('green', '✓')} Logged in to ${provider?.title ?? row.provider}${account ? ` as ${account}` : ''}`,
      sheet(
        [
          ['identity', `${row.name} (${row.kind})`],
          ['principal', row.principal && shown(row.principal)],
          ['region', row.region],
          ['tenant', row.tenant],
          ['api', outcome.header.params.api_url],
          ['expires', expiryWords(listed)],
          ['login lasts', sessionWords(listed, host.now())],
          ['kept in', storeWords(row.store ?? outcome.store)],
          ['default', DEFAULTS[outcome.default].replace('NAME', row.name)],
        ],
        paintError,
      ),
    ].join('\n'),
  )
  return json ? { out: jsonLine({ ...row, default: outcome.default !== 'no' }) } : {}
}

const DEFAULTS = {
  made: 'yes, from now on',
  already: 'yes, as before',
  no: 'no; to make it so: daypass use NAME',
} as const

async function start(world: World, target: string, request: Omit<LoginRequest, 'target'>): Promise<Answer> {
  const { daypass, json, host } = world
  const { id, url, userCode, pasted, waiting, expiresAt } = await daypass.startLogin(target, request)
  const next = `daypass login --finish ${id} ${pasted ? '--code TEXT' : '--wait 60s'}`
  const left = formatDuration(expiresAt - host.now())
  host.terminal.say(
    [
      userCode ? `Open ${url} and enter the code ${userCode}` : `Open this page:\n\n${url}\n`,
      `Then, within ${left}: ${next}`,
      ...(userCode || pasted
        ? []
        : [`or, where the browser runs elsewhere: daypass login --finish ${id} --callback-url URL`]),
      ...(waiting ? ['', waiting] : []),
    ].join('\n'),
  )
  const answer = {
    id,
    url,
    ...(userCode && { user_code: userCode }),
    expires_at: isoTime(expiresAt),
    next_command: next,
  }
  return { code: EXIT.pending, ...(json && { out: jsonLine(answer) }) }
}

async function finish(world: World, id: string, flags: LoginFlags): Promise<Answer> {
  const { daypass, signal } = world
  const pasted = flags.callbackUrl ?? flags.code
  const outcome = await daypass.finishLogin(id, {
    signal,
    ...(flags.wait !== undefined && { wait: parseDuration(flags.wait, '--wait') }),
    ...(pasted !== undefined && { pasted }),
  })
  if (outcome) return said(world, outcome)
  throw new DaypassError('pending', 'nobody finished the login yet', {
    hint: `daypass login --finish ${id} --wait 60s`,
  })
}

/** With a person at the terminal, a verb that needs a login starts it and goes on. */
export async function orLogIn<T>(
  world: World,
  selected: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { host, daypass } = world
    const canAsk = host.terminal.interactive && !host.surroundings().ci
    if (!isDaypassError(error, 'login_required') || !canAsk) throw error
    const resolved = await daypass.resolve(selected).catch(() => undefined)
    if (!resolved || !('identity' in resolved)) throw error
    host.terminal.say(`${error.message}.`)
    return afterOneLogin(world, await firstOf(world, resolved.identity), work, async () =>
      said(world, await daypass.login(resolved.identity, { signal: world.signal })),
    )
  }
}

/** Of a derived identity: the one at the end of its chain, which is logged in to. */
async function firstOf({ daypass }: World, identity: string): Promise<string> {
  let definition = await definitionIfReadable(daypass, identity)
  while (definition?.parent) definition = definition.parent.definition
  return definition?.name ?? identity
}
