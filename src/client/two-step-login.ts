/** A login in two steps: the first tells a person where to go, the second completes it. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { shown } from '../core/text.ts'
import type { Time } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { findAccessHelp } from '../login/access-help.ts'
import { newRecord } from '../login/new-record.ts'
import {
  type FinishOptions,
  isPendingId,
  newPendingId,
  obtainPending,
  type Pending,
  startPending,
} from '../login/pending-login.ts'
import { type Context, definitionOf, providerOf } from './context.ts'
import { deleteExpiredPending } from './expire-pending.ts'
import { headerIfReadable } from './login-name.ts'
import { type LoginRequest, resolveTarget } from './login-target.ts'
import { type LoginOutcome, storeLogin } from './store-login.ts'

/** What the first step of a login in two steps tells. */
export interface Started {
  id: string
  url: string
  userCode?: string
  /** Its page shows a code, which the second step is given. */
  pasted?: true
  /** What may keep the page from redirecting the browser. */
  waiting?: string
  /** When the page, or the whole login, can no longer be used. */
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
  const id = newPendingId()
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

/** `undefined`: the person is not done yet. Single-use: the record is gone before a code is exchanged. */
export async function finishLogin(
  context: Context,
  id: string,
  options: FinishOptions,
): Promise<LoginOutcome | undefined> {
  const { vault, host } = context
  if (!isPendingId(id)) throw notStarted(id)
  const name = `__login-${id}`
  return vault.exclusive(name, 'login', async () => {
    const pending = (await vault.sealed.read(name)) as Pending | undefined
    if (!pending || pending.expiresAt <= host.now()) {
      await vault.sealed.remove(name)
      throw notStarted(id)
    }
    const definition = pendingDefinition(context, pending)
    const consume = async () => void (await vault.sealed.remove(name))
    const remember = (now: Pending) => vault.sealed.write(name, now)
    const obtained = await obtainPending({ host, definition, pending, options, consume, remember }).catch(
      async (error: unknown) => {
        // A denied or expired code is over; what was pasted by mistake is not.
        if (isDaypassError(error, 'refused') || isDaypassError(error, 'login_required')) await consume()
        throw error
      },
    )
    if (!obtained) return undefined
    const record = await newRecord(obtained)
    const before = await headerIfReadable(context, pending.name)
    return storeLogin(context, { ...record, before, unnamed: pending.unnamed, options: pending })
  })
}

const notStarted = (id: string) =>
  new DaypassError('not_found', `there is no started login ${shown(id)}; it may have expired`, {
    advice: { verb: 'login', args: ['PROVIDER'], flags: ['--start', '--json'] },
  })

function pendingDefinition(context: Context, pending: Pending): Definition {
  const { params, clientId, scopes, kind } = pending
  const provider = providerOf(context, pending.provider)
  return definitionOf(context, pending.name, provider, { given: { params, clientId, scopes, kind } })
}
