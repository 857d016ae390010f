import type { Header } from '../core/types.ts'
import { chooseMethod } from '../login/choose-method.ts'
import { connect } from '../login/connect.ts'
import { newRecord } from '../login/new-record.ts'
import { obtain } from '../login/run-method.ts'
import type { Context } from './context.ts'
import { type LoginRequest, type ResolvedTarget, resolveTarget } from './login-target.ts'
import { type LoginOutcome, storeLogin } from './store-login.ts'

export type { LoginRequest } from './login-target.ts'

/** Logs in and stores the result. */
export async function login(context: Context, request: LoginRequest): Promise<LoginOutcome> {
  const target = await resolveTarget(context, request)
  await checkVaultWritable(context, target)
  const connection = await connect(await addKeptKeys(context, target))
  const choice = chooseMethod(connection)
  const obtained = await obtain({ ...connection, choice })
  const record = await newRecord(obtained)
  return storeLogin(context, { ...target, ...record })
}

/** Throws before the browser opens where the key cannot be read or the disk is full. */
async function checkVaultWritable({ vault, host }: Context, { definition }: ResolvedTarget): Promise<void> {
  const { name, provider, params } = definition
  const header: Header = {
    v: 2,
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

/** Adds long-term keys stored with their session: a new session then needs only a code. */
async function addKeptKeys({ vault }: Context, target: ResolvedTarget): Promise<ResolvedTarget> {
  const { before, definition, options } = target
  if (definition.params.mfa_arn === undefined || before?.method !== 'keys' || !before.key) return target
  const kept = (await vault.read(before.name))?.grant?.longTerm
  return kept ? { ...target, options: { ...options, kept } } : target
}
