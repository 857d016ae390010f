/** Names an identity that was given no name. */
import { isUnreadableRecord } from '../core/errors.ts'
import { isIdentityName } from '../core/names.ts'
import type { Entry, Header } from '../core/types.ts'
import { type Context, getProvider } from './context.ts'

export async function readHeaderIfReadable({ vault }: Context, name: string): Promise<Header | undefined> {
  return vault.header(name).catch((error: unknown) => {
    if (isUnreadableRecord(error)) return undefined
    throw error
  })
}

export interface NamedRecord {
  entry: Entry
  /** The record that has the name now. */
  before: Header | undefined
}

/** Names a record after its account. A suffix keeps a login and static keys from replacing each other. */
export async function nameByAccount(context: Context, entry: Entry): Promise<NamedRecord> {
  const { header } = entry
  const { provider: id, params, account } = header
  const proposed = getProvider(context, id).nameFor?.(params, account) ?? ''
  const found = isIdentityName(proposed) ? proposed : header.name
  const taken = findOtherMethod(await readHeaderIfReadable(context, found), header)
  const wanted = taken ? `${found}-${header.method === 'keys' ? 'keys' : 'oauth'}` : found
  const name = isIdentityName(wanted) ? wanted : header.name
  if (taken) context.host.terminal.say(`${found} has ${taken}; this one is ${name}.`)
  return {
    entry: { ...entry, header: { ...header, name } },
    before: await readHeaderIfReadable(context, name),
  }
}

/** Returns what the stored record holds, where the same provider has it by the other method. */
function findOtherMethod(kept: Header | undefined, { provider, method }: Header): string | undefined {
  if (!kept?.key || kept.provider !== provider || (kept.method === 'keys') === (method === 'keys'))
    return undefined
  return kept.method === 'keys' ? 'static keys' : 'a login'
}

/** Returns whether it holds static keys, which a login cannot restore. */
export const hasStaticKeys = (kept: Header | undefined) =>
  kept?.key !== undefined && kept.method === 'keys' && kept.expiresAt === undefined
