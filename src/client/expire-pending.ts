import { isUnreadableRecord } from '../core/errors.ts'
import type { PendingRecord } from '../login/pending-login.ts'
import type { Context } from './context.ts'

/** Deletes started logins that were not finished in time. */
export async function deleteExpiredPending({ vault, host }: Context): Promise<void> {
  for (const name of await vault.sealed.names()) {
    // A damaged record can never be finished. One that the keychain does not open now may be finished later.
    const damaged = (error: unknown) => {
      if (!isUnreadableRecord(error)) throw error
      return undefined
    }
    const pending = (await vault.sealed.read(name).catch(damaged)) as PendingRecord | undefined
    if (!pending || pending.expiresAt <= host.now()) await vault.sealed.remove(name)
  }
}
