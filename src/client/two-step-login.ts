import { DaypassError, isDaypassError } from '../core/errors.ts'
import { shown } from '../core/text.ts'
import type { Time } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { gateOf } from '../login/access-help.ts'
import {
  type FinishOptions,
  finishLogin as finishPending,
  isPendingId,
  newPendingId,
  type Pending,
  startLogin as startPending,
} from '../login/pending-login.ts'
import { type Context, definitionOf, providerOf } from './context.ts'
import { sweepPending } from './expire-pending.ts'
import { checkSameDefinition, type LoginRequest, target } from './login.ts'
import { headerIfReadable } from './login-name.ts'
import { type LoginOutcome, settled } from './store-login.ts'

/** What the first step of a login in two steps tells. */
export interface Started {
  id: string
  url: string
  userCode?: string
  /** Its page shows a code, which the second step is given. */
  pasted?: true
  /** What may keep the page from sending anybody back. */
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
  const { definition, before, unnamed } = await target(context, { ...request, start: true })
  await checkSameDefinition(context, definition, before, request)
  const pending = await startPending(context.host, definition, { ...request, ...(unnamed && { unnamed }) })
  const id = newPendingId()
  await sweepPending(context)
  await context.vault.sealed.write(`__login-${id}`, pending)
  const { url, userCode, urlExpiresAt, expiresAt, port, device } = pending
  const pasted = !device && port === undefined
  const gate = gateOf(context.host, definition)
  return {
    id,
    url,
    ...(gate && { waiting: gate.waiting }),
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
    const loggedIn = await finishPending(host, definition, pending, options, consume, remember).catch(
      async (error) => {
        // A denied or expired code is over; what was pasted by mistake is not.
        if (isDaypassError(error, 'refused') || isDaypassError(error, 'login_required')) await consume()
        throw error
      },
    )
    if (!loggedIn) return undefined
    return settled(context, loggedIn, await headerIfReadable(context, pending.name), pending)
  })
}

const notStarted = (id: string) =>
  new DaypassError('not_found', `there is no started login ${shown(id)}; it may have expired`, {
    hint: 'daypass login PROVIDER --start --json',
  })

function pendingDefinition(context: Context, pending: Pending): Definition {
  const { params, clientId, scopes, kind } = pending
  const provider = providerOf(context, pending.provider)
  return definitionOf(context, pending.name, provider, { given: { params, clientId, scopes, kind } })
}
