import { Option } from '@commander-js/extra-typings'
import type { LoginRequest } from '../../client/login.ts'
import { formatDuration, formatTime, parseDuration } from '../../core/duration.ts'
import { type Advice, DaypassError, EXIT, formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import type { Host, Method } from '../../core/types.ts'
import type { DefinitionOverrides } from '../../identity/definition.ts'
import { readInput } from '../../platform/read-input.ts'
import { builtIn } from '../../providers/index.ts'
import { formatFlag, listParamFlags } from '../../providers/param.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { findRootIdentity, readDefinitionIfReadable } from '../login/on-demand.ts'
import { pickLogin } from '../login/picker.ts'
import { runTypedLogin } from '../login/single-flight.ts'
import { printLogin } from '../login/summary.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import { formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

const METHODS = ['browser', 'paste', 'device', 'token', 'keys'] as const
const METHOD = 'how: browser, paste, device, token or keys; chosen from the surroundings when not given'

export function createLoginCommand({ run }: Runner) {
  const { api_url: api, ...params } = createParamOptions()
  const command = createVerbCommand('login', api)
    .description('log in by browser, pasted code, device code, token or keys')
    .argument('[target]', 'a provider, or an identity that exists')
    .argument('[name]', 'name of the identity; by default the provider')
    .option('--name <name>', 'same as [name]')
    .addOption(new Option('--method <method>', METHOD).choices(METHODS))
    .option('--no-browser', 'open no browser: paste what the page ends at')
    .addOption(new Option('--browser <command>', 'open the page with this command'))
    .addOption(new Option('--remote', 'same as --no-browser').hideHelp())
    .addOption(new Option('--interactive <yes>', 'false: same as --no-browser').hideHelp())
    .option('--device', 'log in with a code on any device')
    .option('--token-stdin', 'read a personal access token from standard input')
    .option('--with-token [value]', 'the same; a value given here can be read by others on this machine')
  for (const option of Object.values(params)) command.addOption(option)
  return command
    .option('--client-id <id>', 'the OAuth client to log in as')
    .option('--scopes <scopes>', 'what to ask for, separated by spaces')
    .option('--set-default', 'make it the default')
    .option('--force', 'replace whatever holds the name')
    .option('--port <port>', 'listen for the browser on this port')
    .option('--timeout <time>', 'how long to wait, by default 5m')
    .option('--login-hint <who>', 'whom the page should expect')
    .option('--prompt <what>', 'what the page should ask: login, consent, select_account')
    .option('--qr', 'draw the address as a QR code')
    .option('--start', 'begin a login in two steps, print where to go, and exit with 8')
    .option('--finish <id>', 'the second step')
    .option('--wait <time>', 'with --finish: how long to wait')
    .option('--callback-url <url>', 'with --finish: the address that the page ended at; - for standard input')
    .option('--code <text>', 'with --finish: the code that came back; - for standard input')
    .action((target, name, flags) => {
      const named = resolveSelected(target, flags)
      return run(flags, 'login', (world) => runLogin(world, named, name, flags))
    })
}

/** Creates the options of all providers' parameters, by parameter; aliases have their own key. */
function createParamOptions(): Record<string, Option> {
  const options = [...listParamFlags(Object.values(builtIn))].flatMap(([name, { flag }]) => {
    const { value, about, alias } = flag
    const option = new Option(`${formatFlag(name)} <${value}>`, about)
    if (alias === undefined) return [[name, option]]
    return [
      [name, option],
      [alias, new Option(`--${alias} <${value}>`, `same as ${formatFlag(name)}`).hideHelp()],
    ]
  })
  return Object.fromEntries(options)
}

interface LoginFlags {
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

async function runLogin(
  world: CommandContext,
  target: string | undefined,
  name: string | undefined,
  flags: LoginFlags,
): Promise<CommandResult> {
  if (flags.finish !== undefined) return finishTwoStepLogin(world, flags.finish, flags)
  if (name !== undefined && flags.name !== undefined && name !== flags.name) {
    throw new DaypassError('usage', 'the name was given twice', {
      hint: (command) => `give it once: ${command({ verb: 'login', args: ['PROVIDER'], identity: 'NAME' })}`,
    })
  }
  const chosen = target ?? (await findIdentityByFlag(world, flags)) ?? (await pickLogin(world))
  const request = await buildLoginRequest(world, chosen, { ...flags, name: name ?? flags.name })
  if (flags.start) return startTwoStepLogin(world, chosen, request)
  const called = request.name ?? chosen
  const logIn = () => world.daypass.login(chosen, request)
  const isKnown = (await world.daypass.names()).includes(called)
  return printLogin(
    world,
    isKnown ? await runTypedLogin(world, await findRootIdentity(world, called), logIn) : await logIn(),
  )
}

const findIdentityByFlag = async ({ daypass }: CommandContext, { apiUrl }: LoginFlags) =>
  apiUrl === undefined ? undefined : daypass.identityAt(apiUrl)

async function buildLoginRequest(
  world: CommandContext,
  target: string,
  flags: LoginFlags,
): Promise<Omit<LoginRequest, 'target'>> {
  const given = buildGiven(await findDeclaredParams(world, target), flags)
  const method = parseMethodFlags(flags)
  const token = await readTokenFlag(world, flags)
  return {
    given,
    signal: world.signal,
    ...(flags.name !== undefined && { name: flags.name }),
    ...(method && { method }),
    ...(token && { token }),
    ...(flags.setDefault && { setDefault: true }),
    ...(flags.force && { force: true }),
    ...(flags.port !== undefined && { port: parsePort(flags.port) }),
    ...(typeof flags.browser === 'string' && { browser: flags.browser }),
    ...(flags.timeout !== undefined && { timeout: parseDuration(flags.timeout, '--timeout') }),
    ...(flags.loginHint !== undefined && { loginHint: flags.loginHint }),
    ...(flags.prompt !== undefined && { prompt: flags.prompt }),
    ...(flags.qr && { qr: true }),
  }
}

async function findDeclaredParams(world: CommandContext, target: string) {
  const { daypass } = world
  const known = (await daypass.names()).includes(target)
  const provider = known
    ? (await readDefinitionIfReadable(world, target))?.provider
    : daypass.providers[target]
  return provider && { title: provider.title, params: [...listParamFlags([provider]).keys()] }
}

function buildGiven(
  declared: Awaited<ReturnType<typeof findDeclaredParams>>,
  flags: LoginFlags,
): DefinitionOverrides {
  const params: Record<string, string> = {}
  for (const [param, { flag: formatFlag, oneOf }] of listParamFlags(Object.values(builtIn))) {
    const value = readFlag(flags, param) ?? (formatFlag.alias && readFlag(flags, formatFlag.alias))
    if (value === undefined) continue
    if (declared && !declared.params.includes(param)) throw createUnknownParamError(declared, param)
    // The CLI of Alibaba Cloud writes its sites in capitals.
    params[param] = oneOf ? value.toLowerCase() : value
  }
  return {
    params,
    ...(flags.clientId !== undefined && { clientId: flags.clientId }),
    ...(flags.scopes !== undefined && { scopes: flags.scopes.split(/[\s,]+/).filter(Boolean) }),
  }
}

/** Reads the flag `api_url` or `api-url`, which commander calls `apiUrl`. */
const readFlag = (flags: LoginFlags, name: string): string | undefined =>
  (flags as Record<string, string | undefined>)[
    name.replace(/[_-](\w)/g, (_, letter: string) => letter.toUpperCase())
  ]

function createUnknownParamError(
  { title, params }: { title: string; params: readonly string[] },
  param: string,
): DaypassError {
  const known = [...params.map(formatFlag), '--client-id', '--scopes'].join(', ')
  return new DaypassError('usage', `${title} has no ${formatFlag(param)}`, { hint: `it has ${known}` })
}

function parseMethodFlags(flags: LoginFlags): Method | undefined {
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

async function readTokenFlag(
  { host }: CommandContext,
  { withToken }: LoginFlags,
): Promise<Secret | undefined> {
  if (typeof withToken !== 'string') return undefined
  warnOfArgument(host, 'a token', '--token-stdin keeps it')
  return new Secret(withToken)
}

const warnOfArgument = ({ terminal }: Host, what: string, remedy: string) =>
  terminal.warn(`other users of this machine can read ${what} on a command line; ${remedy} to yourself`)

/** What came back from the page, however wrapped. `-` reads it where no other user of the machine can. */
async function readAnswerFlag(
  { host, signal }: CommandContext,
  { callbackUrl, code }: LoginFlags,
): Promise<string | undefined> {
  const given = callbackUrl ?? code
  if (given === undefined) return undefined
  if (given !== '-') {
    const flag = callbackUrl === undefined ? '--code' : '--callback-url'
    warnOfArgument(host, 'a code', `\`${flag} -\` reads it from standard input, which keeps it`)
    return given
  }
  if (!process.stdin.isTTY) return readInput(process.stdin)
  const prompt = 'Paste the address (or the code) that the page ends at, and press Enter:'
  return (await host.terminal.readSecret(prompt, signal)) ?? ''
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new DaypassError('usage', '--port takes a number from 1 to 65535', {
    hint: 'leave it out, and a free one is taken',
  })
}

async function startTwoStepLogin(
  world: CommandContext,
  target: string,
  request: Omit<LoginRequest, 'target'>,
): Promise<CommandResult> {
  const { daypass, json, host } = world
  const { id, url, userCode, pasted, waiting, expiresAt } = await daypass.startLogin(target, request)
  const next = formatCommand(pasted ? adviseFinish(id, '--code', 'TEXT') : adviseFinish(id, '--wait', '60s'))
  const left = formatDuration(expiresAt - host.now())
  host.terminal.say(
    [
      userCode ? `Open ${url} and enter the code ${userCode}` : `Open this page:\n\n${url}\n`,
      `Then, within ${left}: ${next}`,
      ...(userCode || pasted
        ? []
        : [
            `or, where the browser runs elsewhere: ${formatCommand(adviseFinish(id, '--callback-url', 'URL'))}`,
          ]),
      ...(waiting ? ['', waiting] : []),
    ].join('\n'),
  )
  const answer = {
    id,
    url,
    ...(userCode && { user_code: userCode }),
    expires_at: formatTime(expiresAt),
    next_command: next,
  }
  return { code: EXIT.pending, ...(json && { out: formatJson(answer) }) }
}

/** Builds the command for the second step of a login. */
const adviseFinish = (id: string, ...flags: string[]): Advice => ({
  verb: 'login',
  flags: ['--finish', id, ...flags],
})

async function finishTwoStepLogin(
  world: CommandContext,
  id: string,
  flags: LoginFlags,
): Promise<CommandResult> {
  const { daypass, signal } = world
  const pasted = await readAnswerFlag(world, flags)
  const outcome = await daypass.finishLogin(id, {
    signal,
    ...(flags.wait !== undefined && { wait: parseDuration(flags.wait, '--wait') }),
    ...(pasted !== undefined && { pasted }),
  })
  if (outcome) return printLogin(world, outcome)
  throw new DaypassError('pending', 'nobody finished the login yet', {
    advice: adviseFinish(id, '--wait', '60s'),
  })
}
