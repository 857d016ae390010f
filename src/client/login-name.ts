/** The name of an identity that was given none. */
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
  /** What holds its name now. */
  before: Header | undefined
}

/**
 * Names a record for its account. A login never replaces static keys, nor static keys a login: the new one gets a name
 * with a suffix.
 */
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

/** What the kept record has, where it is of the same provider and was obtained the other way. */
function findOtherMethod(kept: Header | undefined, { provider, method }: Header): string | undefined {
  if (!kept?.key || kept.provider !== provider || (kept.method === 'keys') === (method === 'keys'))
    return undefined
  return kept.method === 'keys' ? 'static keys' : 'a login'
}

/** A login cannot bring them back. */
export const hasStaticKeys = (kept: Header | undefined) =>
  kept?.key !== undefined && kept.method === 'keys' && kept.expiresAt === undefined
