/**
 * Where the 32-byte key is stored. Decided once, when the first record is written, and noted in `vault.json`.
 * A keychain that does not answer later is an error, because a second key could not open older records.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Store } from '../core/stores.ts'
import type { KeyLocation } from '../core/types.ts'
import { isKeyLocation } from './header.ts'
import type { KeychainOptions } from './keychain.ts'
import type { LockOptions } from './lock.ts'
import { type Report, readOwnFile } from './read-file.ts'
import { type BothKeys, deriveKeys, type RecordKeys } from './seal.ts'

export type KeyPlacement = Exclude<Store, 'memory'>

/** The operations on keys that the vault needs. */
export interface Keys {
  /** Returns where the key of new records is. Decides it and creates the key on first use. */
  location(): Promise<KeyLocation>
  /** Reads the keys from the location that a header names. Without the one that renews, records can be used and not written. */
  open(location: KeyLocation): Promise<RecordKeys>
}

export interface DiskKeysOptions {
  wanted?: KeyPlacement | undefined
  report?: Report | undefined
  keychain?: KeychainOptions | undefined
  lock?: LockOptions | undefined
}

export function createDiskKeys(folder: string, options: DiskKeysOptions = {}): Keys {
  const opened = new Map<string, Promise<BothKeys>>()
  let decided: KeyLocation | undefined
  return {
    location: async () => {
      decided ??= readDecision(folder, options.report) ?? (await decideLocation(folder, options))
      return decided
    },
    open: (location) => {
      const known = opened.get(location.id)
      if (known) return known
      const key = openKey(folder, location, options)
      opened.set(location.id, key)
      key.catch((error) => forgetSoon(error, () => opened.delete(location.id)))
      return key
    },
  }
}

/** A keychain error is kept for 5 s: otherwise `logout --all` would wait again for every identity. */
function forgetSoon(error: unknown, forget: () => void): void {
  if (isDaypassError(error, 'keychain')) setTimeout(forget, 5_000).unref()
  else forget()
}

/** Reads a key. A keychain is called before this returns; a file needs only `node:fs`. */
export async function openKey(
  folder: string,
  location: KeyLocation,
  { keychain, report }: Pick<DiskKeysOptions, 'keychain' | 'report'> = {},
): Promise<BothKeys> {
  if (!isKeyLocation(location) || location.where === 'memory') {
    throw new DaypassError('vault', 'the key of this record was kept in memory, and is gone', {
      hint: 'log in again',
    })
  }
  const found = location.where === 'file' ? readKeyFile(folder, location.id, report) : undefined
  return deriveKeys(found ?? (await readKeychainKey(folder, location.id, keychain)))
}

function readKeyFile(folder: string, id: string, report?: Report): Buffer {
  const path = buildKeyPath(folder, id)
  const text = readOwnFile(path, report)
  if (text === undefined) {
    throw new DaypassError('vault', `the key file ${path} is missing`, { hint: formatRecoveryHint(folder) })
  }
  return parseKey(text, `the key file ${path} is damaged`, folder)
}

async function readKeychainKey(folder: string, id: string, patience?: KeychainOptions): Promise<Buffer> {
  const { readKeychain } = await import('./keychain.ts')
  const text = await readKeychain(formatKeychainAccount(id), patience)
  if (text === undefined) {
    throw new DaypassError('vault', `the key ${formatKeychainAccount(id)} is no longer in the keychain`, {
      hint: formatRecoveryHint(folder),
    })
  }
  return parseKey(text, `the key ${formatKeychainAccount(id)} in the keychain is damaged`, folder)
}

function parseKey(text: string, problem: string, folder: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length === 32) return key
  throw new DaypassError('vault', problem, { hint: formatRecoveryHint(folder) })
}

function formatRecoveryHint(folder: string): string {
  return `bring it back from a backup, or give it up: remove ${buildDecisionPath(folder)} and log in again`
}

function formatKeychainAccount(id: string): string {
  return `vault-${id}`
}

function buildKeyPath(folder: string, id: string): string {
  return join(folder, `key-${id}`)
}

function buildDecisionPath(folder: string): string {
  return join(folder, 'vault.json')
}

function readDecision(folder: string, report?: Report): KeyLocation | undefined {
  const path = buildDecisionPath(folder)
  const text = readOwnFile(path, report)
  if (text === undefined) return undefined
  try {
    const said = JSON.parse(text) as { v?: unknown; key?: unknown }
    if (said.v === 1 && isKeyLocation(said.key)) return said.key
  } catch {
    // The error below does not quote the file.
  }
  throw new DaypassError('vault', `${path} is damaged`, {
    hint: `restore it; the records beside it name their key: head -1 ${join(folder, '*.grant')}`,
  })
}

/** Decides under a lock: of two processes, the second finds the decision of the first and creates no key. */
async function decideLocation(folder: string, options: DiskKeysOptions): Promise<KeyLocation> {
  const { runExclusively: exclusively } = await import('./lock.ts')
  const { reserveRoom } = await import('./atomic.ts')
  const work = async () => {
    const theirs = readDecision(folder, options.report)
    if (theirs !== undefined) return theirs
    // Space is reserved first: a key without a note of it would stay in the keychain for ever.
    const room = reserveRoom(buildDecisionPath(folder), 128)
    try {
      const key = await createKey(folder, options)
      room.write(`${JSON.stringify({ v: 1, key })}\n`)
      return key
    } finally {
      room.release()
    }
  }
  return exclusively(join(folder, 'locks', '__vault.lock'), 'making the vault', work, options.lock)
}

async function createKey(
  folder: string,
  { wanted = 'auto', keychain }: DiskKeysOptions,
): Promise<KeyLocation> {
  const id = randomBytes(8).toString('hex')
  const key = randomBytes(32).toString('base64')
  if (wanted !== 'file' && (await storeInKeychain(id, key, wanted, keychain)))
    return { id, where: 'keychain' }
  const { writeFileDurably } = await import('./atomic.ts')
  writeFileDurably(buildKeyPath(folder, id), `${key}\n`)
  return { id, where: 'file' }
}

/** Writes the key and reads it back, because some keychains accept a value and do not store it. */
async function storeInKeychain(
  id: string,
  key: string,
  wanted: Exclude<KeyPlacement, 'file'>,
  patience?: KeychainOptions,
): Promise<boolean> {
  const { readKeychain, writeKeychain } = await import('./keychain.ts')
  try {
    await writeKeychain(formatKeychainAccount(id), key, patience)
    if ((await readKeychain(formatKeychainAccount(id), patience)) === key) return true
    throw new DaypassError('keychain', 'the keychain does not keep what it is given', {
      hint: 'set DAYPASS_STORE=file',
    })
  } catch (error) {
    if (wanted === 'auto' && isDaypassError(error, 'keychain')) return false
    throw error
  }
}
