/** Logs in with two steps: the first returns an address for the person, the second completes the login. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Time } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { findAccessHelp } from '../login/access-help.ts'
import { newRecord } from '../login/new-record.ts'
import {
  createPendingId,
  type FinishOptions,
  isPendingId,
  obtainPending,
  type PendingRecord,
  startPending,
} from '../login/pending-login.ts'
import { buildDefinition, type Context, getProvider } from './context.ts'
import { deleteExpiredPending } from './expire-pending.ts'
import { readHeaderIfReadable } from './login-name.ts'
import { type LoginRequest, resolveTarget } from './login-target.ts'
import { type LoginOutcome, storeLogin } from './store-login.ts'

/** The result of the first step of a login in two steps. */
export interface Started {
  id: string
  url: string
  userCode?: string
  /** The page shows a code, which the second step needs. */
  pasted?: true
  /** What may keep the page from redirecting the browser. */
  waiting?: string
  /** When the page, or the whole login, expires. */
  expiresAt: Time
}

export async function startLogin(context: Context, request: LoginRequest): Promise<Started> {
  if (request.method === 'token' || request.method === 'keys') {
    throw new DaypassError('usage', `a login by ${request.method} has one step`, {
      hint: 'leave out --start',
    })
  }
  const target = await resolveTarget(context, { ...request, start: true })
  const pending = await startPending(target)
  const id = createPendingId()
  await deleteExpiredPending(context)
  await context.vault.sealed.write(`__login-${id}`, pending)
  const { url, userCode, urlExpiresAt, expiresAt, port, device } = pending
  const pasted = !device && port === undefined
  const help = findAccessHelp(context.host, target.definition)
  return {
    id,
    url,
    ...(help && { waiting: help.waiting }),
    ...(pasted && { pasted }),
    ...(userCode !== undefined && { userCode }),
    expiresAt: urlExpiresAt ?? expiresAt,
  }
}

/** Returns undefined while the person is not done. Deletes its record before the code exchange. */
export async function finishLogin(
  context: Context,
  id: string,
  options: FinishOptions,
): Promise<LoginOutcome | undefined> {
  const { vault, host } = context
  if (!isPendingId(id)) throw createNotStartedError(id)
  const name = `__login-${id}`
  return vault.exclusive(name, 'login', async () => {
    const pending = (await vault.sealed.read(name)) as PendingRecord | undefined
    if (!pending || pending.expiresAt <= host.now()) {
      await vault.sealed.remove(name)
      throw createNotStartedError(id)
    }
    const definition = buildPendingDefinition(context, pending)
    const consume = async () => void (await vault.sealed.remove(name))
    const rememberPending = (now: PendingRecord) => vault.sealed.write(name, now)
    const obtained = await obtainPending({
      host,
      definition,
      pending,
      options,
      consume,
      remember: rememberPending,
    }).catch(async (error: unknown) => {
      // A denied or expired code ends the login; a wrong paste does not.
      if (isDaypassError(error, 'refused') || isDaypassError(error, 'login_required')) await consume()
      throw error
    })
    if (!obtained) return undefined
    const record = await newRecord(obtained)
    const before = await readHeaderIfReadable(context, pending.name)
    return storeLogin(context, { ...record, before, unnamed: pending.unnamed, options: pending })
  })
}

const createNotStartedError = (id: string) =>
  new DaypassError('not_found', `there is no started login ${sanitize(id)}; it may have expired`, {
    advice: { verb: 'login', args: ['PROVIDER'], flags: ['--start', '--json'] },
  })

function buildPendingDefinition(context: Context, pending: PendingRecord): Definition {
  const { params, clientId, scopes, kind, ambient = {} } = pending
  const provider = getProvider(context, pending.provider)
  return buildDefinition(context, pending.name, provider, {
    given: { params, clientId, scopes, kind },
    ambient,
  })
}
