import { isDaypassError } from '../core/errors.ts'
import type { Pending } from '../login/pending-login.ts'
import type { Context } from './context.ts'

/** Started logins that nobody finished are gone after their time. */
export async function sweepPending({ vault, host }: Context): Promise<void> {
  for (const name of await vault.sealed.names()) {
    // A damaged one is of no use to anyone; one that the keychain does not open just now may be.
    const damaged = (error: unknown) => {
      if (!isDaypassError(error, 'vault')) throw error
      return undefined
    }
    const pending = (await vault.sealed.read(name).catch(damaged)) as Pending | undefined
    if (!pending || pending.expiresAt <= host.now()) await vault.sealed.remove(name)
  }
}
