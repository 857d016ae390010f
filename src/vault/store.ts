/**
 * A place that stores texts under names. It does not know their meaning: the vault seals them, so a database
 * that implements these methods needs no cryptography.
 */
export interface Store {
  /** Returns undefined where the name does not exist. Throws for any other obstacle to reading. */
  get(name: string): Promise<string | undefined>
  /** Returns all names, sorted, including `__…`. */
  names(): Promise<string[]>
  /**
   * Reserves `bytes` bytes before the action that produces the text: on disk, a synced temporary file of that
   * length. Throws `vault` when there is no space.
   */
  reserve(name: string, bytes: number): Promise<Slot>
  /** Returns texts for this name that are not yet in place, complete or not. Only under the lock. */
  unfinished(name: string): Promise<string[]>
  /** Resolves to false where the name did not exist. */
  delete(name: string): Promise<boolean>
  /** Moves an unreadable text aside and returns its new place. */
  quarantine(name: string): Promise<string>
  /**
   * Runs `work` exclusively for this name, across all processes that share the store. The kernel releases the
   * lock when its holder dies. Waits at most 30 s, then throws `lock`, naming the holder. Not re-entrant.
   * Waiting callers see `purpose`: `refresh`, `login`, `logout`.
   */
  exclusive<T>(name: string, purpose: string, work: () => Promise<T>): Promise<T>
}

/** Reserved space, until it is released or written to. The bytes of a failed `write` stay in `unfinished`. */
export interface Slot {
  /**
   * Resolves when the text is durable: written, synced, renamed, folder synced. It may be longer than
   * reserved where there is space.
   */
  write(text: string): Promise<void>
  release(): Promise<void>
}
