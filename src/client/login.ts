import { DaypassError, isDaypassError } from '../core/errors.ts'
import { inWords } from '../core/localized-text.ts'
import { checkIdentityName } from '../core/names.ts'
import type { Header, Host, KeysCredential } from '../core/types.ts'
import { checkBound, type Definition, type Given } from '../identity/definition.ts'
import type { LoginOptions } from '../login/options.ts'
import { logIn } from '../login/run-method.ts'
import type { Provider } from '../providers/provider.ts'
import { fill, orCancelled } from './ask-params.ts'
import { type Context, definitionOf, knownNames, providerNow, providerOf, said } from './context.ts'
import { hasStaticKeys, headerIfReadable } from './login-name.ts'
import { agreeToReplace, type LoginOutcome, settled } from './store-login.ts'

export interface LoginRequest extends LoginOptions {
  /** A provider's id, or the name of an identity that exists. */
  target: string
  /** Default: as the provider's file says, else the provider's id. */
  name?: string
  given?: Given
  setDefault?: boolean
  /** Replace whatever holds the name. */
  force?: boolean
  /** The first of two steps: the browser is elsewhere, and so is the person. */
  start?: boolean
}

/** Logs in and keeps what came of it. An identity's name wins over a provider's. */
export async function login(context: Context, asked: LoginRequest): Promise<LoginOutcome> {
  const { definition, before, request, unnamed } = await target(context, asked)
  await checkSameDefinition(context, definition, before, request)
  await checkVault(context, definition)
  const kept = await keptKeys(context, definition, before)
  const loggedIn = await logIn(context.host, definition, { ...request, ...(kept && { kept }) })
  return settled(context, loggedIn, before, { ...request, ...(unnamed && { unnamed }) })
}

/** Long-term keys that were kept beside a session of theirs: it takes no more than a code. */
async function keptKeys(
  { vault }: Context,
  { params }: Definition,
  before: Header | undefined,
): Promise<KeysCredential | undefined> {
  if (params.mfa_arn === undefined || before?.method !== 'keys' || !before.key) return undefined
  const grant = (await vault.read(before.name))?.grant
  return grant?.longTerm
}

/** A key that cannot be had, or a disk that takes nothing, is found out before anyone is sent to a browser. */
async function checkVault({ vault, host }: Context, definition: Definition): Promise<void> {
  const { name, provider, params } = definition
  const header: Header = {
    v: 1,
    name,
    kind: provider.kind,
    provider: provider.id,
    params,
    method: 'browser',
    renewable: false,
    createdAt: host.now(),
  }
  await (await vault.reserve({ header })).release()
}

interface Target {
  definition: Definition
  /** What holds the name now. */
  before: Header | undefined
  /** Its name is for its account to say. */
  unnamed?: true
  /** With the way that the person chose, where they were asked. */
  request: LoginRequest
}

export async function target(context: Context, request: LoginRequest): Promise<Target> {
  const { target, name, given } = request
  if (name === undefined && (await knownNames(context)).includes(target))
    return known(context, target, request)
  const { provider, kind } = providerOrKind(context, target)
  const wanted = kind === undefined ? request : { ...request, given: { ...given, kind } }
  if (name === undefined && provider.nameFor) return unnamed(context, provider, wanted)
  const chosen = checkIdentityName(name ?? provider.id)
  if (said(context, chosen)?.via?.identity !== undefined) return known(context, chosen, wanted)
  return filled(context, chosen, provider, await headerIfReadable(context, chosen), wanted)
}

/** Under the name that the provider finds for it; where that takes the account, under its id until then. */
async function unnamed(context: Context, provider: Provider, wanted: LoginRequest): Promise<Target> {
  const nameless = await filled(context, provider.id, provider, undefined, wanted)
  const { definition, request } = nameless
  const said = provider.nameFor!(definition.params)
  if (said === undefined) return { ...nameless, unnamed: true }
  const name = checkIdentityName(said)
  // What was asked for, or found, is not asked for again.
  const found = Object.entries(definition.params).filter(([param]) => !definition.unsaid.includes(param))
  const given = { ...request.given, params: Object.fromEntries(found) }
  return filled(context, name, provider, await headerIfReadable(context, name), { ...request, given })
}

/** What was logged in to already, or stands in the configuration; of a derived one, the identity it all begins with. */
async function known(context: Context, name: string, request: LoginRequest): Promise<Target> {
  const before = await headerIfReadable(context, name)
  const provider = providerNow(context, name, before)
  if (!provider) throw unreadable(name)
  const via = said(context, name)?.via?.identity
  if (via !== undefined) {
    context.host.terminal.say(`${name} is made from ${via}, which is what to log in to.`)
    return known(context, via, request)
  }
  return filled(context, name, provider, before, request)
}

/** The way in is chosen first: what else is to be asked depends on it. */
async function filled(
  context: Context,
  name: string,
  provider: Provider,
  before: Header | undefined,
  wanted: LoginRequest,
): Promise<Target> {
  const layers = { header: before, given: wanted.given }
  const definition = definitionOf(context, name, provider, layers)
  const request = { ...wanted, ...(await wayIn(context.host, definition, before, wanted)) }
  return { definition: await fill(context, definition, layers, request.method), before, request }
}

/**
 * Asked where there is a choice, and nothing says it: no flag, no keys of the configuration, no login before. Where
 * nobody is asked, static keys are followed by other ones.
 */
async function wayIn(
  host: Host,
  { provider, methods, keys }: Definition,
  before: Header | undefined,
  { method, browser, start, force }: LoginRequest,
): Promise<Pick<LoginRequest, 'method' | 'form'>> {
  const { loginChoices } = provider.prompts
  const isSaid = method ?? browser ?? keys ?? (before?.method !== 'keys' ? before?.method : undefined)
  if (isSaid !== undefined || start) return {}
  if (!loginChoices || !host.terminal.interactive)
    return hasStaticKeys(before) && before?.provider === provider.id && !force ? { method: 'keys' } : {}
  const offered = loginChoices.options.filter(({ method }) => methods.includes(method))
  const options = offered.map(({ label, hint }, index) => ({
    value: String(index),
    label: inWords(label, host),
    ...(hint !== undefined && { hint: inWords(hint, host) }),
  }))
  const answer = await host.terminal.choose(inWords(loginChoices.ask, host), options)
  const choice = offered[Number(orCancelled(answer))]!
  // How the browser is gone about, or done without, depends on where we are.
  return choice.method === 'browser'
    ? {}
    : { method: choice.method, ...(choice.form && { form: choice.form }) }
}

/** `aws`, or one of its kinds: `aws/root`. */
function providerOrKind(context: Context, target: string): { provider: Provider; kind?: string } {
  const provider = Object.values(context.providers).find(({ kinds }) => Object.hasOwn(kinds ?? {}, target))
  if (!provider) return { provider: providerOf(context, target) }
  if (!provider.kinds![target]!.derived) return { provider, kind: target }
  throw new DaypassError('usage', `${target} is made from another identity: it is defined in config.yaml`, {
    hint: 'write it into config.yaml with via: { identity: NAME }; see docs/configuration.md',
  })
}

const unreadable = (name: string) =>
  new DaypassError('vault', `the record of ${name} cannot be read, so its provider is not known`, {
    hint: `daypass login PROVIDER ${name}`,
  })

/** Found out before anyone is sent to a browser: the name stands for something else. */
export async function checkSameDefinition(
  context: Context,
  definition: Definition,
  before: Header | undefined,
  { force, given, method }: LoginRequest,
): Promise<void> {
  if (!before || force) return
  if (before.provider !== definition.provider.id) {
    return agreeToReplace(context, definition, `${definition.name} is an identity of ${before.provider}`)
  }
  if (hasStaticKeys(before) && method !== 'keys' && !definition.keys)
    await agreeToReplace(context, definition, `${definition.name} has static keys`)
  if (!given?.params) return
  try {
    checkBound(definition, before)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    await agreeToReplace(context, definition, error.message)
  }
}
