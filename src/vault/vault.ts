import type { Entry, Grant, Header, KeyLocation, UsableGrant } from '../core/types.ts'

/** One record, opened as far as it is used. Not to be written back: how it is renewed would be lost. */
export interface UsableEntry {
  header: Header
  grant?: UsableGrant
}

/** A record as it can be listed: its header, or why it has none. */
export type ListedRecord = { name: string; header: Header } | { name: string; problem: string }

/** Room for one record, reserved before the deed that produces it. What a failed `write` has written can be rescued. */
export interface EntrySlot {
  write(entry: Entry): Promise<void>
  release(): Promise<void>
}

/**
 * Where grants rest: identities as records with a clear header and what is sealed, and the logins that were started
 * and not finished.
 */
export interface Vault {
  /** Of all identities, those whose record cannot be read included. Opens no record. */
  names(): Promise<string[]>
  /** Identities only, by name. Never needs the key. */
  list(): Promise<ListedRecord[]>
  /** The clear header; never needs the key. `undefined`: no such record. */
  header(name: string): Promise<Header | undefined>
  /**
   * Opens what is used of the record, and not how it is renewed: the use key is enough. Throws `vault` (damaged, wrong
   * key, foreign owner) or `keychain`; the record stays as it is.
   */
  readCredential(name: string): Promise<UsableEntry | undefined>
  /** Opens all of it, to renew, change or end it. Throws like `readCredential`, and `vault` without the renew key. */
  read(name: string): Promise<Entry | undefined>
  /** Durable when it resolves. */
  write(entry: Entry): Promise<void>
  /** `entry` is the record as it stands; the answer may be `margin` bytes longer. The key is fetched here, too. */
  reserve(entry: Entry): Promise<EntrySlot>
  /**
   * Puts in place what a renewal had sealed when it was killed: the answer to the very request that the record
   * says is unanswered. Under the lock only. False: there is none.
   */
  recoverPending(name: string): Promise<boolean>
  /** How many bytes of a record a grant takes: what is used of it, and all of it. */
  measure(grant: Grant): { use: number; whole: number }
  remove(name: string): Promise<boolean>
  /** Clears a home that a grant has left; only a vault that knows homes. */
  clearExternalStore?(home: NonNullable<Header['home']>): Promise<void>
  /** Moves a record that cannot be opened out of a new login's way; says where it lies now. */
  quarantine(name: string): Promise<string>
  exclusive<T>(name: string, purpose: string, work: () => Promise<T>): Promise<T>
  /** Seals anything else for a while: logins that were started. Names are `__login-<id>`. */
  sealed: {
    read(name: string): Promise<object | undefined>
    write(name: string, body: object): Promise<void>
    remove(name: string): Promise<boolean>
    names(): Promise<string[]>
  }
  /** Where the key of new records lies; decides (and creates it) when nothing was decided yet. */
  location(): Promise<KeyLocation>
}
