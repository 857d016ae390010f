/**
 * A login in two steps, for scripts and AI agents: the first prints where a person has to go and listens on
 * nothing, the second completes it. What lies between them is sealed like a grant, for 15 minutes at most.
 */
import { randomBytes } from 'node:crypto'
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Endpoints, Host } from '../core/types.ts'
import { clientOf, type Definition } from '../identity/definition.ts'
import { type Attempt, authorizeUrl, checkCallback, checkPasted, newAttempt } from '../oauth/authorize.ts'
import { authorizeDevice } from '../oauth/device.ts'
import { refusalError } from '../oauth/refusal.ts'
import { endpointsOf, type Party, serverFrom } from '../oauth/server.ts'
import { exchangeCode } from '../oauth/token.ts'
import type { Redirect } from '../providers/provider.ts'
import { anyPort, crossDevicePage, judgePaste, redirectUri } from './authorization-code.ts'
import { extraParameters, partyAt, partyBy, partyOf, scopesFor } from './connect.ts'
import { awaitDevice, type DeviceWait } from './device.ts'
import { openLoopback } from './loopback.ts'
import { entryOf } from './new-record.ts'
import type { LoggedIn, LoginOptions } from './options.ts'
import { redirectOf } from './redirect-uri.ts'
import { offeredBy } from './run-method.ts'

/** How long a started login can be finished. */
const PENDING_LIFE = 15 * 60_000

/** What is sealed between the two steps. */
export interface Pending {
  name: string
  provider: string
  kind: string
  params: Record<string, string>
  clientId: string
  clientAuth?: 'post' | 'basic'
  scopes: readonly string[]
  endpoints: Endpoints
  issuerParameter: boolean
  url: string
  userCode?: string
  expiresAt: number
  /** When the page can no longer be opened, where that is earlier. */
  urlExpiresAt?: number
  /** What its tokens will be bound to (RFC 9449). */
  proofKey?: Secret
  /** One of the two. */
  device?: DeviceWait
  attempt?: Attempt
  /** Absent: a page shows the code, and nobody comes back by themselves. */
  port?: number
  /** Of the command line, for the second step. */
  setDefault: boolean
  force: boolean
  /** Its name is for its account to say. */
  unnamed?: boolean
}

/** The id is a name in the vault; what it opens is sealed. */
export const newPendingId = () => randomBytes(8).toString('hex')
export const isPendingId = (id: string) => /^[0-9a-f]{16}$/.test(id)

export async function startLogin(
  host: Host,
  definition: Definition,
  options: LoginOptions & Pick<Partial<Pending>, 'setDefault' | 'force' | 'unnamed'>,
): Promise<Pending> {
  const found = await partyOf(host, definition)
  const offered = offeredBy(definition, found)
  const byDevice = options.method ? options.method === 'device' : offered.includes('device')
  if (byDevice ? !offered.includes('device') : !offered.includes('browser') && !offered.includes('paste')) {
    throw new DaypassError('usage', `${definition.provider.title} offers no way to log in in two steps`)
  }
  const party = byDevice ? found : partyBy(found, definition, 'paste')
  const common = {
    name: definition.name,
    provider: definition.provider.id,
    kind: definition.kind,
    params: definition.params,
    clientId: party.client.id,
    ...(party.client.auth && { clientAuth: party.client.auth }),
    scopes: definition.scopes,
    endpoints: endpointsOf(party.server),
    issuerParameter: party.server.metadata.authorization_response_iss_parameter_supported === true,
    expiresAt: host.now() + PENDING_LIFE,
    setDefault: options.setDefault ?? false,
    force: options.force ?? false,
    ...(options.unnamed && { unnamed: true }),
    ...(party.proofKey && { proofKey: party.proofKey.jwk }),
  }
  return byDevice
    ? startDevice(host, definition, party, common)
    : startCode(host, definition, party, options, common)
}

type Common = Omit<Pending, 'url' | 'urlExpiresAt' | 'device' | 'attempt' | 'port' | 'userCode'>

async function startDevice(
  host: Host,
  definition: Definition,
  party: Party,
  common: Common,
): Promise<Pending> {
  const device = await authorizeDevice(party, scopesFor(definition, party.server))
  const askedAt = host.now()
  return {
    ...common,
    url: device.verificationUriComplete ?? device.verificationUri,
    userCode: device.userCode,
    expiresAt: Math.min(common.expiresAt, askedAt + device.expiresIn),
    device: { device, askedAt },
  }
}

async function startCode(
  host: Host,
  definition: Definition,
  party: Party,
  options: LoginOptions,
  common: Common,
): Promise<Pending> {
  const redirect = redirectOf(definition.provider, host.env)
  const page = crossDevicePage(definition, 'paste')
  const port = options.port ?? anyPort(redirect.ports)
  const attempt = newAttempt(page ?? redirectUri(redirect, port), definition.scopes)
  const scopes = scopesFor(definition, party.server)
  const extra = extraParameters(definition, options)
  const { url, expiresIn } = await authorizeUrl(party, attempt, scopes, extra)
  const urlExpiresAt = expiresIn === undefined ? undefined : host.now() + expiresIn
  return {
    ...common,
    url: url.href,
    attempt,
    ...(page === undefined && { port }),
    ...(urlExpiresAt !== undefined && { urlExpiresAt }),
  }
}

export interface FinishOptions {
  /** Milliseconds to wait for the person. Default: none, one look. */
  wait?: number
  /** The callback's URL or the code, as it came back. */
  pasted?: string
  signal?: AbortSignal
}

/** The party of a pending login; its client's secret, if it has one, comes from the configuration again. */
function pendingParty(host: Host, definition: Definition, pending: Pending): Party {
  const server = serverFrom(pending.endpoints)
  const metadata = {
    ...server.metadata,
    authorization_response_iss_parameter_supported: pending.issuerParameter,
  }
  const client = {
    ...clientOf(definition),
    id: pending.clientId,
    ...(pending.clientAuth && { auth: pending.clientAuth }),
  }
  const { proofKey: jwk } = pending
  const party = partyAt(host, definition, { ...server, metadata }, client)
  return { ...party, ...(jwk && { proofKey: { jwk, clockOffset: 0 } }) }
}

/**
 * `undefined`: the person is not done, and the login stays pending. `consume` is called once, at the moment after
 * which the record is of no more use: before a code is exchanged, after a device was approved.
 */
export async function finishLogin(
  host: Host,
  definition: Definition,
  pending: Pending,
  options: FinishOptions,
  consume: () => Promise<void>,
  remember: (pending: Pending) => Promise<void>,
): Promise<LoggedIn | undefined> {
  const party = pendingParty(host, definition, pending)
  if (pending.device) {
    const until = host.now() + (options.wait ?? 0)
    const issued = await awaitDevice(host, party, pending.device, until, options.signal, (device) =>
      remember({ ...pending, device }),
    )
    if (!issued) return undefined
    await consume()
    return {
      entry: await entryOf(host, definition, party, issued, 'device'),
      party,
      settle: async () => undefined,
    }
  }
  const attempt = pending.attempt!
  if (options.pasted !== undefined) {
    const verdict = judgePaste(options.pasted, (pasted) =>
      checkPasted(party.server, party.client, attempt, pasted),
    )
    if ('ignored' in verdict) throw notTheAnswer(verdict.ignored)
    await consume()
    if ('error' in verdict) throw verdict.error
    return redeem(host, definition, party, verdict.code, 'paste', async () => undefined)
  }
  if (pending.port === undefined) throw codeWanted()
  return options.wait ? waitForCallback(host, definition, party, pending, options, consume) : undefined
}

const codeWanted = () =>
  new DaypassError('usage', 'this login ends with a code that its page shows', {
    hint: 'hand it in with --code TEXT',
  })

const notTheAnswer = (why: string) =>
  new DaypassError('usage', `that is not the answer to this login: ${why}`, {
    hint: 'the login is still pending; hand in the whole address that the page ended at',
  })

async function redeem(
  host: Host,
  definition: Definition,
  party: Party,
  code: Parameters<typeof exchangeCode>[1],
  method: 'browser' | 'paste',
  settle: LoggedIn['settle'],
): Promise<LoggedIn> {
  const outcome = await exchangeCode(party, code)
  if ('refusal' in outcome)
    throw refusalError(outcome.refusal, { advice: { verb: 'login', identity: definition.name } })
  return { entry: await entryOf(host, definition, party, outcome, method), party, settle }
}

/** Listens on the port that the started URL names, until the person came back or the wait is over. */
async function waitForCallback(
  host: Host,
  definition: Definition,
  party: Party,
  pending: Pending,
  { wait, signal }: FinishOptions,
  consume: () => Promise<void>,
): Promise<LoggedIn | undefined> {
  const attempt = pending.attempt!
  const { hostname, pathname } = new URL(attempt.redirectUri)
  const loopback = await openLoopback(host, {
    redirect: { host: hostname as Redirect['host'], path: pathname, ports: [pending.port!] },
    check: (parameters) => checkCallback(party.server, party.client, attempt, parameters),
    title: definition.provider.title,
  })
  const over = new AbortController()
  const timeUp = host
    .sleep(wait!, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))
    .then(() => undefined)
  const settle: LoggedIn['settle'] = async (outcome) => {
    loopback.settle(outcome)
    await loopback.close()
  }
  try {
    const code = await Promise.race([loopback.received, timeUp])
    if (code === undefined) {
      await loopback.close()
      return undefined
    }
    await consume()
    return await redeem(host, definition, party, code, 'browser', settle)
  } catch (error) {
    await settle('failed')
    throw error
  } finally {
    timeUp.catch(() => undefined)
    over.abort(new Error('the wait ended'))
  }
}
