/** Moves the grant of an identity between the vault and the file of another tool that also renews it. */
import { DaypassError, formatCommand } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Header } from '../core/types.ts'
import type { Context } from './context.ts'

export type GrantLocation = Pick<NonNullable<Header['home']>, 'kind' | 'path'>

/** Moves a grant. The new place is written before the old is cleared: a rotating token has one place. */
export async function moveGrant(
  { vault }: Context,
  name: string,
  to: GrantLocation | undefined,
): Promise<void> {
  await vault.exclusive(name, 'setup', async () => {
    const entry = await vault.read(name)
    const { home: from, ...header } = entry?.header ?? {}
    const isOver = !entry?.grant || entry.header.loginRequired !== undefined
    if (!entry || (to && isOver)) throw createNoGrantError(name)
    if (from?.path === to?.path) return
    await vault.write({ ...entry, header: { ...(header as Header), ...(to && { home: to }) } })
    if (from && entry.header.key) await vault.clearExternalStore?.(from)
  })
}

/** Returns the external store that a new login of the same person keeps; another person's login leaves it. */
export function inheritExternalStore(old: Header | undefined, isSamePerson: boolean): Pick<Header, 'home'> {
  if (!old?.home || !isSamePerson) return {}
  const { kind, path } = old.home
  return { home: { kind, path } }
}

/** Clears the shared grant that is replaced, and warns the person who shared it. */
export async function leaveExternalStore({ vault, host }: Context, old: Header): Promise<void> {
  const { name, provider, account, home } = old
  // After a logout, the content of the store is not ours.
  if (old.key && home) await vault.clearExternalStore?.(home)
  const whose = sanitize(account?.principal ?? account?.account)
  const again = formatCommand({
    verb: 'setup',
    args: [provider],
    identity: name,
    flags: ['--login-session'],
  })
  host.terminal.warn(
    `${name} is no longer shared with other tools, whose configuration still names ${whose}; to share it again: ${again}`,
  )
}

const createNoGrantError = (name: string) =>
  new DaypassError('login_required', `${name} needs a login before it can be shared`, {
    advice: { verb: 'login', identity: name },
  })
