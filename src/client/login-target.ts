/** Resolves what a login is for: the identity, its parameters, and the record that has its name now. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { localize } from '../core/localized-text.ts'
import { assertIdentityName } from '../core/names.ts'
import { assertTlsChecked } from '../core/tls.ts'
import type { Header, Host } from '../core/types.ts'
import { assertBound, type Definition, type DefinitionOverrides } from '../identity/definition.ts'
import type { LoginOptions } from '../login/options.ts'
import type { LoginTarget } from '../login/stages.ts'
import type { Provider } from '../providers/provider.ts'
import { askMissingParams, assertAnswered } from './ask-params.ts'
import {
  buildDefinition,
  type Context,
  findCurrentProvider,
  findIdentityConfig,
  getProvider,
  listKnownNames,
} from './context.ts'
import { hasStaticKeys, readHeaderIfReadable } from './login-name.ts'
import { confirmReplacement, confirmStrayVariable } from './store-login.ts'

export interface LoginRequest extends LoginOptions {
  /** A provider's id, or the name of an existing identity. */
  target: string
  /** Default: as the provider's file says, else the provider's id. */
  name?: string
  given?: DefinitionOverrides
  setDefault?: boolean
  /** Replace the record that has the name. */
  force?: boolean
  /** The first of two steps: browser and person are at another machine. */
  start?: boolean
}

export interface ResolvedTarget extends LoginTarget {
  /** The record that has the name now. */
  before: Header | undefined
  /** It gets its name from its account. */
  unnamed?: true
  /** The request, with the method that the person chose where they were asked. */
  options: LoginRequest
}

/** Resolves an identity before a provider. Checks before the browser that the name may be replaced. */
export async function resolveTarget(context: Context, request: LoginRequest): Promise<ResolvedTarget> {
  assertTlsChecked(context.host.env)
  const target = await findTarget(context, request)
  await checkReplaceable(context, target)
  return target
}

async function findTarget(context: Context, request: LoginRequest): Promise<ResolvedTarget> {
  const { target, name, given } = request
  if (name === undefined && (await listKnownNames(context)).includes(target))
    return findKnownTarget(context, target, request)
  const { provider, kind } = resolveProviderOrKind(context, target)
  const wanted = kind === undefined ? request : { ...request, given: { ...given, kind } }
  if (name === undefined && provider.nameFor) return findUnnamedTarget(context, provider, wanted)
  const chosen = assertIdentityName(name ?? provider.id)
  if (findIdentityConfig(context, chosen)?.via?.identity !== undefined)
    return findKnownTarget(context, chosen, wanted)
  const before = await readHeaderIfReadable(context, chosen)
  return completeTarget(context, { name: chosen, provider, before, request: wanted })
}

/** Names it as the provider proposes; where that needs the account, by the provider's id until then. */
async function findUnnamedTarget(
  context: Context,
  provider: Provider,
  wanted: LoginRequest,
): Promise<ResolvedTarget> {
  const nameless = await completeTarget(context, {
    name: provider.id,
    provider,
    before: undefined,
    request: wanted,
  })
  const { definition, options } = nameless
  const proposed = provider.nameFor!(definition.params)
  if (proposed === undefined) return { ...nameless, unnamed: true }
  const name = assertIdentityName(proposed)
  // Parameters that were asked for or found are not asked for again.
  const found = Object.entries(definition.params).filter(([param]) => !definition.defaulted.includes(param))
  const request = { ...options, given: { ...options.given, params: Object.fromEntries(found) } }
  return completeTarget(context, {
    name,
    provider,
    before: await readHeaderIfReadable(context, name),
    request,
  })
}

/** Resolves a stored or configured identity; a derived one becomes the identity at the end of its chain. */
async function findKnownTarget(
  context: Context,
  name: string,
  request: LoginRequest,
): Promise<ResolvedTarget> {
  const before = await readHeaderIfReadable(context, name)
  const provider = findCurrentProvider(context, name, before)
  if (!provider) throw createUnreadableRecordError(name)
  const via = findIdentityConfig(context, name)?.via?.identity
  if (via !== undefined) {
    context.host.terminal.say(`${name} is made from ${via}, which is what to log in to.`)
    return findKnownTarget(context, via, request)
  }
  return completeTarget(context, { name, provider, before, request })
}

interface Incomplete extends Pick<ResolvedTarget, 'before'> {
  name: string
  provider: Provider
  request: LoginRequest
}

/** Chooses the method first, because it decides which parameters are asked for. */
async function completeTarget(
  context: Context,
  { name, provider, before, request }: Incomplete,
): Promise<ResolvedTarget> {
  const { host } = context
  const layers = { header: before, given: request.given, ambient: 'environment' as const }
  const definition = buildDefinition(context, name, provider, layers)
  const options = { ...request, ...(await askLoginMethod(host, definition, before, request)) }
  return {
    host,
    definition: await askMissingParams(context, definition, layers, options.method),
    before,
    options,
  }
}

/**
 * Asks for the method where there is a choice and no flag, configured keys or earlier login decides it.
 * Without a person, static keys are replaced by static keys.
 */
async function askLoginMethod(
  host: Host,
  { provider, methods, keys }: Definition,
  before: Header | undefined,
  { method, browser, start, force }: LoginRequest,
): Promise<Pick<LoginRequest, 'method' | 'form'>> {
  const ways = provider.prompts.loginChoices
  const determined = method ?? browser ?? keys ?? (before?.method !== 'keys' ? before?.method : undefined)
  if (determined !== undefined || start) return {}
  if (!ways || !host.terminal.interactive)
    return hasStaticKeys(before) && before?.provider === provider.id && !force ? { method: 'keys' } : {}
  const offered = ways.options.filter((choice) => methods.includes(choice.method))
  const options = offered.map(({ label, hint }, index) => ({
    value: String(index),
    label: localize(label, host),
    ...(hint !== undefined && { hint: localize(hint, host) }),
  }))
  const choice =
    offered[Number(assertAnswered(await host.terminal.choose(localize(ways.ask, host), options)))]!
  // Whether a browser can be opened is checked later.
  return choice.method === 'browser'
    ? {}
    : { method: choice.method, ...(choice.form && { form: choice.form }) }
}

/** Resolves `aws`, or one of its kinds such as `aws/root`. */
function resolveProviderOrKind(context: Context, target: string): { provider: Provider; kind?: string } {
  const provider = Object.values(context.providers).find(({ kinds }) => Object.hasOwn(kinds ?? {}, target))
  if (!provider) return { provider: getProvider(context, target) }
  if (!provider.kinds![target]!.derived) return { provider, kind: target }
  throw new DaypassError('usage', `${target} is made from another identity: it is defined in config.yaml`, {
    hint: 'write it into config.yaml with via: { identity: NAME }; see docs/configuration.md',
  })
}

const createUnreadableRecordError = (name: string) =>
  new DaypassError('vault', `the record of ${name} cannot be read, so its provider is not known`, {
    advice: { verb: 'login', args: ['PROVIDER'], identity: name },
  })

/** Checks whether the name belongs to something else, which a login would replace. */
async function checkReplaceable(
  context: Context,
  { definition, before, options }: ResolvedTarget,
): Promise<void> {
  const { force, given, method } = options
  if (!before || force) return
  if (before.provider !== definition.provider.id) {
    return confirmReplacement(context, definition, `${definition.name} is an identity of ${before.provider}`)
  }
  if (hasStaticKeys(before) && method !== 'keys' && !definition.keys)
    await confirmReplacement(context, definition, `${definition.name} has static keys`)
  await confirmStrayVariable(context, definition, before)
  if (!given?.params) return
  try {
    assertBound(definition, before)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    await confirmReplacement(context, definition, error.message)
  }
}
