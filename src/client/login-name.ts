/** What an identity is called that nobody gave a name. */
import { isDaypassError } from '../core/errors.ts'
import { isIdentityName } from '../core/names.ts'
import type { Entry, Header } from '../core/types.ts'
import { type Context, providerOf } from './context.ts'

export async function headerIfReadable({ vault }: Context, name: string): Promise<Header | undefined> {
  return vault.header(name).catch((error: unknown) => {
    if (isDaypassError(error, 'vault')) return undefined
    throw error
  })
}

/**
 * The record under the name that its account gives it, and what holds that name now. Static keys never give way to a
 * login, nor a login to static keys: the other one gets a name beside it.
 */
export async function underItsName(
  context: Context,
  entry: Entry,
): Promise<{ entry: Entry; before: Header | undefined }> {
  const { header } = entry
  const { provider: id, params, account } = header
  const said = providerOf(context, id).nameFor?.(params, account) ?? ''
  const found = isIdentityName(said) ? said : header.name
  const taken = isOtherWay(await headerIfReadable(context, found), header)
  const wanted = taken ? `${found}-${header.method === 'keys' ? 'keys' : 'oauth'}` : found
  const name = isIdentityName(wanted) ? wanted : header.name
  if (taken) context.host.terminal.say(`${found} has ${taken}; this one is ${name}.`)
  return { entry: { ...entry, header: { ...header, name } }, before: await headerIfReadable(context, name) }
}

/** What the one that is kept has, where it is of the same provider and came the other way. */
function isOtherWay(kept: Header | undefined, { provider, method }: Header): string | undefined {
  if (!kept?.key || kept.provider !== provider || (kept.method === 'keys') === (method === 'keys'))
    return undefined
  return kept.method === 'keys' ? 'static keys' : 'a login'
}

/** Nobody can get them back by logging in. */
export const hasStaticKeys = (kept: Header | undefined) =>
  kept?.key !== undefined && kept.method === 'keys' && kept.expiresAt === undefined
