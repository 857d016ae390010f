/** Where the grant of an identity rests: in the vault, or in the file of another tool that renews it, too. */
import { DaypassError, formatCommand } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import type { Header } from '../core/types.ts'
import type { Context } from './context.ts'

export type GrantLocation = Pick<NonNullable<Header['home']>, 'kind' | 'path'>

/** Moves it. A rotating refresh token lives in one place alone: it is in the new one before it leaves the old. */
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

/** A login of the same person rests where the one before did; another's leaves that place. */
export function inheritExternalStore(old: Header | undefined, isSamePerson: boolean): Pick<Header, 'home'> {
  if (!old?.home || !isSamePerson) return {}
  const { kind, path } = old.home
  return { home: { kind, path } }
}

/** What was shared is replaced, and whoever shared it is told. */
export async function leaveExternalStore({ vault, host }: Context, old: Header): Promise<void> {
  const { name, provider, account, home } = old
  // After a logout, what lies there is not ours.
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
