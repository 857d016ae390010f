/**
 * A place that keeps texts under names. It knows nothing of what they say: sealing is the vault's part, so a
 * database that implements these verbs needs no cryptography of its own.
 */
export interface Store {
  /** `undefined`: nothing of that name. Anything that hinders reading is thrown, never "nothing". */
  get(name: string): Promise<string | undefined>
  /** Every name kept, sorted, `__…` included. */
  names(): Promise<string[]>
  /**
   * Makes sure that a text of `bytes` bytes can be kept before the deed that produces it is done: on disk, a
   * temporary file of that length, synced. Throws `vault` when there is no room.
   */
  reserve(name: string, bytes: number): Promise<Slot>
  /** What was written for this name and not yet put in its place, whole or not. Of use under the lock only. */
  unfinished(name: string): Promise<string[]>
  /** False: there was nothing. */
  delete(name: string): Promise<boolean>
  /** Moves an unreadable text out of the way, and says where it lies now. */
  quarantine(name: string): Promise<string>
  /**
   * Runs `work` while nobody else, in this process or any other that shares the store, runs theirs for the same
   * name. Released by the kernel when the holder dies. Waits at most 30 s, then throws `lock`, naming the holder.
   * Not re-entrant. `purpose` is told to whoever waits: `refresh`, `login`, `logout`.
   */
  exclusive<T>(name: string, purpose: string, work: () => Promise<T>): Promise<T>
}

/** Room that is already ours, until it is released or written to. What a failed `write` has written stays `unfinished`. */
export interface Slot {
  /** Durable when it resolves: written, synced, renamed, folder synced. A longer text than reserved is fine where there is room. */
  write(text: string): Promise<void>
  release(): Promise<void>
}
