import type { Entry, Grant, Header, KeyLocation, UsableGrant } from '../core/types.ts'

/** One record, opened as far as it is used. Not to be written back: how it is renewed would be lost. */
export interface UsableEntry {
  header: Header
  grant?: UsableGrant
}

/** A listed record: its header, or why the header cannot be read. */
export type ListedRecord = { name: string; header: Header } | { name: string; problem: string }

/** Reserved space for one record. A record of a failed `write` can be recovered. */
export interface EntrySlot {
  write(entry: Entry): Promise<void>
  release(): Promise<void>
}

/**
 * Where grants rest: identities as records with a clear header and what is sealed, and the logins that were started
 * and not finished.
 */
export interface Vault {
  /** Returns the names of all identities, including unreadable ones. Opens no record. */
  names(): Promise<string[]>
  /** Lists identities by name. Never needs the key. */
  list(): Promise<ListedRecord[]>
  /** Reads the clear header. Never needs the key. Returns undefined where there is no such record. */
  header(name: string): Promise<Header | undefined>
  /**
   * Opens what is used of the record, and not how it is renewed: the use key is enough. Throws `vault` (damaged, wrong
   * key, other owner) or `keychain`; changes nothing.
   */
  readCredential(name: string): Promise<UsableEntry | undefined>
  /** Opens all of it, to renew, change or end it. Throws like `readCredential`, and `vault` without the renew key. */
  read(name: string): Promise<Entry | undefined>
  /** Resolves when the record is durable. */
  write(entry: Entry): Promise<void>
  /** Reserves the length of `entry` plus a margin for the renewed record. Reads the key as well. */
  reserve(entry: Entry): Promise<EntrySlot>
  /**
   * Puts in place what a killed renewal had sealed: the answer to the request that the record marks as
   * unanswered. Only under the lock. Returns false where there is none.
   */
  recoverPending(name: string): Promise<boolean>
  /** How many bytes of a record a grant takes: what is used of it, and all of it. */
  measure(grant: Grant): { use: number; whole: number }
  remove(name: string): Promise<boolean>
  /** Clears an external store that a grant has left. Absent where the vault has no external stores. */
  clearExternalStore?(home: NonNullable<Header['home']>): Promise<void>
  /** Moves a record that cannot be opened aside for a new login, and returns its new place. */
  quarantine(name: string): Promise<string>
  exclusive<T>(name: string, purpose: string, work: () => Promise<T>): Promise<T>
  /** Seals other values for a limited time, such as started logins. Names are `__login-<id>`. */
  sealed: {
    read(name: string): Promise<object | undefined>
    write(name: string, body: object): Promise<void>
    remove(name: string): Promise<boolean>
    names(): Promise<string[]>
  }
  /** Returns where the key of new records is. Decides it and creates the key on first use. */
  location(): Promise<KeyLocation>
}
