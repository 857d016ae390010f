import { DaypassError, isDaypassError } from '../core/errors.ts'
import { checkIdentityName } from '../core/names.ts'
import type { Header } from '../core/types.ts'
import { checkBound, type Definition, type Given } from '../sources/definition.ts'
import { logIn } from '../sources/login.ts'
import type { LoginOptions } from '../sources/request.ts'
import { type Context, definitionOf, knownNames, providerNow, providerOf } from './context.ts'
import { agreeToReplace, type LoginOutcome, settled } from './keep.ts'

export interface LoginRequest extends LoginOptions {
  /** A provider's id, or the name of an identity that exists. */
  target: string
  /** Default: the provider's id. */
  name?: string
  given?: Given
  setDefault?: boolean
  /** Replace whatever holds the name. */
  force?: boolean
}

/** Logs in and keeps what came of it. An identity's name wins over a provider's. */
export async function login(context: Context, request: LoginRequest): Promise<LoginOutcome> {
  const { definition, before } = await target(context, request)
  await checkSameDefinition(context, definition, before, request)
  await checkVault(context, definition)
  const loggedIn = await logIn(context.host, definition, request)
  return settled(context, loggedIn, before, request)
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
}

export async function target(context: Context, { target, name, given }: LoginRequest): Promise<Target> {
  if (name === undefined && (await knownNames(context)).includes(target)) {
    const before = await headerIfReadable(context, target)
    const provider = providerNow(context, target, before)
    if (!provider) throw unreadable(target)
    return { definition: definitionOf(context, target, provider, { header: before, given }), before }
  }
  const provider = providerOf(context, target)
  const chosen = checkIdentityName(name ?? provider.id)
  const before = await headerIfReadable(context, chosen)
  return { definition: definitionOf(context, chosen, provider, { header: before, given }), before }
}

const unreadable = (name: string) =>
  new DaypassError('vault', `the record of ${name} cannot be read, so its provider is not known`, {
    hint: `daypass login PROVIDER ${name}`,
  })

export async function headerIfReadable({ vault }: Context, name: string): Promise<Header | undefined> {
  return vault.header(name).catch((error: unknown) => {
    if (isDaypassError(error, 'vault')) return undefined
    throw error
  })
}

/** Found out before anyone is sent to a browser: the name stands for something else. */
export async function checkSameDefinition(
  context: Context,
  definition: Definition,
  before: Header | undefined,
  { force, given }: LoginRequest,
): Promise<void> {
  if (!before || force) return
  if (before.provider !== definition.provider.id) {
    return agreeToReplace(context, definition, `${definition.name} is an identity of ${before.provider}`)
  }
  if (!given?.params) return
  try {
    checkBound(definition, before)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    await agreeToReplace(context, definition, error.message)
  }
}
