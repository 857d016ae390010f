/**
 * A login in two steps, for scripts and AI agents. The first step prints where a person must go, without a
 * listener; the second step completes the login. The state between them is sealed like a grant, for at most
 * 15 minutes.
 */
import { randomBytes } from 'node:crypto'
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Endpoints, Host } from '../core/types.ts'
import { type Definition, resolveClient } from '../identity/definition.ts'
import {
  type Attempt,
  checkCallback,
  checkPasted,
  createAttempt,
  createAuthorizationUrl,
} from '../oauth/authorize.ts'
import { authorizeDevice } from '../oauth/device.ts'
import { buildServer, type ClientContext, listEndpoints } from '../oauth/server.ts'
import type { Redirect } from '../providers/provider.ts'
import { redeemCode, settlePage } from './authorization-code.ts'
import {
  buildExtraParameters,
  chooseMethodClient,
  createClientContext,
  filterScopes,
  listOfferedMethods,
  resolveClientContext,
} from './connect.ts'
import { awaitDevice, type DeviceWait } from './device.ts'
import { openLoopback } from './loopback.ts'
import { judgePaste } from './paste.ts'
import { choosePort, findCodePage, findRedirect, formatRedirectUri } from './redirect-uri.ts'
import type { LoginTarget, ObtainedLogin } from './stages.ts'

/** Milliseconds in which a started login can be finished. */
const PENDING_LIFE = 15 * 60_000

/** The sealed state between the two steps. */
export interface PendingRecord {
  name: string
  provider: string
  kind: string
  params: Record<string, string>
  clientId: string
  clientAuth?: 'post' | 'basic'
  scopes: readonly string[]
  endpoints: Endpoints
  /** Of the definition. */
  ambient?: Endpoints
  issuerParameter: boolean
  /** An id_token has to come. */
  isOpenId?: boolean
  url: string
  userCode?: string
  expiresAt: number
  /** When the page can no longer be opened, where that is earlier. */
  urlExpiresAt?: number
  /** The key that the tokens will be bound to (RFC 9449). */
  proofKey?: Secret
  /** Exactly one of `device` and `attempt` is present. */
  device?: DeviceWait
  attempt?: Attempt
  /** Absent where a page shows the code and the browser is not redirected to this machine. */
  port?: number
  /** Command-line options for the second step. */
  setDefault: boolean
  force: boolean
  /** The identity gets its name from the account. */
  unnamed?: boolean
}

/** The id is a name in the vault and no secret; the record is sealed. */
export const createPendingId = () => randomBytes(8).toString('hex')
export const isPendingId = (id: string) => /^[0-9a-f]{16}$/.test(id)

interface PendingTarget extends LoginTarget {
  options: LoginTarget['options'] & Pick<Partial<PendingRecord>, 'setDefault' | 'force'>
  unnamed?: true
}

export async function startPending(target: PendingTarget): Promise<PendingRecord> {
  const { host, definition, options } = target
  const found = await resolveClientContext(host, definition)
  const offered = listOfferedMethods(definition, found)
  const byDevice = options.method ? options.method === 'device' : offered.includes('device')
  if (byDevice ? !offered.includes('device') : !offered.includes('browser') && !offered.includes('paste')) {
    throw new DaypassError('usage', `${definition.provider.title} offers no way to log in in two steps`)
  }
  const context = byDevice ? found : chooseMethodClient(found, definition, 'paste')
  const expiresAt = host.now() + PENDING_LIFE
  const begun = byDevice ? await startDevice(target, context) : await startCode(target, context)
  return {
    name: definition.name,
    provider: definition.provider.id,
    kind: definition.kind,
    params: definition.params,
    clientId: context.client.id,
    ...(context.client.auth && { clientAuth: context.client.auth }),
    scopes: definition.scopes,
    endpoints: listEndpoints(context.server),
    ambient: definition.ambient,
    issuerParameter: context.server.metadata.authorization_response_iss_parameter_supported === true,
    ...(context.server.isOpenId &&
      filterScopes(definition, context.server).includes('openid') && { isOpenId: true }),
    setDefault: options.setDefault ?? false,
    force: options.force ?? false,
    ...(target.unnamed && { unnamed: true }),
    ...(context.proofKey && { proofKey: context.proofKey.jwk }),
    ...begun,
    expiresAt: Math.min(expiresAt, begun.expiresAt ?? expiresAt),
  }
}

/** The fields of a pending login that depend on the method. */
type StartedMethod = Pick<
  PendingRecord,
  'url' | 'urlExpiresAt' | 'device' | 'attempt' | 'port' | 'userCode'
> &
  Pick<Partial<PendingRecord>, 'expiresAt'>

async function startDevice(
  { host, definition }: LoginTarget,
  context: ClientContext,
): Promise<StartedMethod> {
  const device = await authorizeDevice(context, filterScopes(definition, context.server))
  const askedAt = host.now()
  return {
    url: device.verificationUriComplete ?? device.verificationUri,
    userCode: device.userCode,
    expiresAt: askedAt + device.expiresIn,
    device: { device, askedAt },
  }
}

async function startCode(
  { host, definition, options }: LoginTarget,
  context: ClientContext,
): Promise<StartedMethod> {
  const redirect = findRedirect(definition.provider, host.env)
  const page = findCodePage(definition, 'paste')
  const port = options.port ?? choosePort(redirect.ports)
  const attempt = createAttempt(page ?? formatRedirectUri(redirect, port), definition.scopes)
  const scopes = filterScopes(definition, context.server)
  const extra = buildExtraParameters(definition, options)
  const { url, expiresIn } = await createAuthorizationUrl(context, attempt, scopes, extra)
  return {
    url: url.href,
    attempt,
    ...(page === undefined && { port }),
    ...(expiresIn !== undefined && { urlExpiresAt: host.now() + expiresIn }),
  }
}

export interface FinishOptions {
  /** Milliseconds to wait for the person. Default: 0, which means one check. */
  wait?: number
  /** The callback URL or the code, as the person pasted it. */
  pasted?: string
  signal?: AbortSignal
}

export interface PendingLogin {
  host: Host
  definition: Definition
  pending: PendingRecord
  options: FinishOptions
  /**
   * Called once, when the record becomes useless: before a code is exchanged, or after a device was approved.
   */
  consume: () => Promise<void>
  /** Called with the state of polling, so that the next step continues there. */
  remember: (pending: PendingRecord) => Promise<void>
}

/** Restores the client context. The client secret, if any, is read from the configuration again. */
function restoreClientContext({ host, definition, pending }: PendingLogin): ClientContext {
  const server = buildServer(pending.endpoints)
  const metadata = {
    ...server.metadata,
    authorization_response_iss_parameter_supported: pending.issuerParameter,
  }
  const client = {
    ...resolveClient(definition),
    id: pending.clientId,
    ...(pending.clientAuth && { auth: pending.clientAuth }),
  }
  const { proofKey: jwk } = pending
  const context = createClientContext(
    host,
    definition,
    { ...server, metadata, isOpenId: pending.isOpenId ?? false },
    client,
  )
  return { ...context, ...(jwk && { proofKey: { jwk, clockOffset: 0 } }) }
}

/** Completes the login. Resolves to undefined where the person is not done; then the login stays pending. */
export async function obtainPending(login: PendingLogin): Promise<ObtainedLogin | undefined> {
  const { pending, options } = login
  const context = restoreClientContext(login)
  if (pending.device) return pollPending(login, context)
  if (options.pasted !== undefined) return redeemPasted(login, context, options.pasted)
  if (pending.port === undefined) throw createCodeWantedError()
  return options.wait ? waitForCallback(login, context) : undefined
}

async function pollPending(login: PendingLogin, context: ClientContext): Promise<ObtainedLogin | undefined> {
  const { host, definition, pending, options, consume, remember } = login
  const issued = await awaitDevice({
    host,
    context: context,
    wait: pending.device!,
    until: host.now() + (options.wait ?? 0),
    signal: options.signal,
    remember: (device) => remember({ ...pending, device }),
  })
  if (!issued) return undefined
  await consume()
  return { host, definition, context, issued, method: 'device' }
}

async function redeemPasted(
  login: PendingLogin,
  context: ClientContext,
  text: string,
): Promise<ObtainedLogin> {
  const { host, definition, pending, consume } = login
  const { server, client } = context
  const verdict = judgePaste(text, (pasted) => checkPasted(server, client, pending.attempt!, pasted))
  if ('ignored' in verdict) throw createWrongAnswerError(verdict.ignored)
  await consume()
  if ('error' in verdict) throw verdict.error
  const issued = await redeemCode(definition, context, verdict.code)
  return { host, definition, context, issued, method: 'paste' }
}

const createCodeWantedError = () =>
  new DaypassError('usage', 'this login ends with a code that its page shows', {
    hint: 'hand it in with --code TEXT',
  })

const createWrongAnswerError = (why: string) =>
  new DaypassError('usage', `that is not the answer to this login: ${why}`, {
    hint: 'the login is still pending; hand in the whole address that the page ended at',
  })

/** Listens on the port of the started URL until the callback arrives or the wait is over. */
async function waitForCallback(
  login: PendingLogin,
  context: ClientContext,
): Promise<ObtainedLogin | undefined> {
  const { host, definition, pending, options, consume } = login
  const { wait, signal } = options
  const attempt = pending.attempt!
  const { hostname, pathname } = new URL(attempt.redirectUri)
  const loopback = await openLoopback(host, {
    redirect: { host: hostname as Redirect['host'], path: pathname, ports: [pending.port!] },
    check: (parameters) => checkCallback(context.server, context.client, attempt, parameters),
    title: definition.provider.title,
    warn: host.terminal.warn,
  })
  const over = new AbortController()
  const timeUp = host
    .sleep(wait!, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))
    .then(() => undefined)
  const settle = (outcome: 'kept' | 'failed') => settlePage(loopback, outcome)
  try {
    const code = await Promise.race([loopback.received, timeUp])
    if (code === undefined) {
      await loopback.close()
      return undefined
    }
    await consume()
    const issued = await redeemCode(definition, context, code)
    return { host, definition, context, issued, method: 'browser', settle }
  } catch (error) {
    await settle('failed')
    throw error
  } finally {
    timeUp.catch(() => undefined)
    over.abort(new Error('the wait ended'))
  }
}
