/** Where the grant of an identity rests: in the vault, or in the file of another tool that renews it, too. */
import { DaypassError } from '../core/errors.ts'
import type { Entry, Header } from '../core/types.ts'
import type { Context } from './context.ts'

export type GrantHome = Pick<NonNullable<Header['home']>, 'kind' | 'path'>

/** Moves it. A rotating refresh token lives in one place alone: it is in the new one before it leaves the old. */
export async function moveHome({ vault }: Context, name: string, to: GrantHome | undefined): Promise<void> {
  await vault.exclusive(name, 'setup', async () => {
    const entry = await vault.read(name)
    const from = entry?.header.home
    if (!entry?.grant || entry.header.loginRequired !== undefined) throw nothingThere(name)
    if (from?.path === to?.path) return
    const { home: _, ...header } = entry.header
    const moved: Entry = { ...entry, header: { ...header, ...(to && { home: to }) } }
    await vault.write(moved)
    if (from) await vault.leave?.(from)
  })
}

const nothingThere = (name: string) =>
  new DaypassError('login_required', `${name} needs a login before it can be shared`, {
    hint: `daypass login ${name}`,
  })
