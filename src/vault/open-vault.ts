import { randomBytes } from 'node:crypto'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { assertIdentityName } from '../core/names.ts'
import type { Entry, Grant, Header, KeyLocation, UsableGrant } from '../core/types.ts'
import { type DiskOptions, diskStore } from './disk.ts'
import { splitGrant } from './grant-parts.ts'
import { type ClearHeader, decodeClear, decodeHeader } from './header.ts'
import type { KeychainOptions } from './keychain.ts'
import { createDiskKeys, type KeyPlacement, type Keys } from './keys.ts'
import { memoryStore } from './memory.ts'
import {
  type BothKeys,
  computePartLength,
  computeSealedLength,
  deriveKeys,
  encodeRecord,
  openBody,
  openUse,
  type RecordParts,
  requireBothKeys,
  sealRecord,
} from './seal.ts'
import type { Slot, Store } from './store.ts'
import type { EntrySlot, ListedRecord, Vault } from './vault.ts'

/** Bytes that a renewal may add to the record: a longer token, an id_token, new claims. */
const RENEWAL_MARGIN = 16 * 1024

const RESERVED_PREFIX = '__'

export function createVault({ store, keys }: { store: Store; keys: Keys }): Vault {
  const { seal, open, readKeys } = createSealer(keys)
  const encode = ({ header, grant }: Entry) =>
    grant === undefined ? encodeClearRecord(header) : seal(header, splitGrant(grant))
  const header = async (name: string) => {
    const text = await store.get(assertIdentityName(name))
    return text === undefined ? undefined : decodeHeader(text, name)
  }
  const decode = async (text: string, name: string) =>
    buildEntry(decodeHeader(text, name), (await open(text, name, openBody)) as Grant | undefined)
  /** Room that was not filled yet, or half filled, is no record; its seal says so. */
  const decodeComplete = (text: string, name: string) =>
    decode(cutRoom(text), name).catch((error: unknown) => {
      if (isDaypassError(error, 'vault')) return undefined
      throw error
    })
  const write = async (entry: Entry) => {
    await writeText(store, entry.header.name, await encode(assertEntryName(entry)))
  }
  const names = async () => (await store.names()).filter((name) => !name.startsWith(RESERVED_PREFIX))
  return {
    header,
    names,
    list: async () => Promise.all((await names()).map((name) => readListedRecord(name, header))),
    readCredential: async (name) => {
      const text = await store.get(assertIdentityName(name))
      if (text === undefined) return undefined
      const used = (await open(text, name, openUse)) as UsableGrant | undefined
      return buildEntry(decodeHeader(text, name), used)
    },
    read: async (name) => {
      const text = await store.get(assertIdentityName(name))
      return text === undefined ? undefined : decode(text, name)
    },
    write,
    reserve: async (entry) => {
      const { header, grant } = assertEntryName(entry)
      const { key } = await readKeys(header.name)
      const parts = grant ? splitGrant(grant) : { use: {}, renew: {} }
      const bytes = computeSealedLength({ ...header, key }, parts) + RENEWAL_MARGIN
      return createEntrySlot(await store.reserve(entry.header.name, bytes), entry.header.name, encode)
    },
    recoverPending: async (name) => {
      const unanswered = (await header(name))?.unanswered
      if (unanswered === undefined) return false
      const written = await Promise.all(
        (await store.unfinished(name)).map((text) => decodeComplete(text, name)),
      )
      const answer = written.find((one) => one?.header.lastRenewal?.beganAt === unanswered)
      if (answer) await write(answer)
      return answer !== undefined
    },
    measure: (grant) => {
      const { use, renew } = splitGrant(grant)
      return { use: computePartLength(use), whole: computePartLength(use) + computePartLength(renew) }
    },
    remove: async (name) => store.delete(assertIdentityName(name)),
    quarantine: async (name) => store.quarantine(assertIdentityName(name)),
    exclusive: (name, purpose, work) => store.exclusive(name, purpose, work),
    sealed: createSealedTexts(store, { seal, open }),
    location: async () => {
      const location = await keys.location()
      await keys.open(location)
      return location
    },
  }
}

async function writeText(store: Store, name: string, text: string): Promise<void> {
  const slot = await store.reserve(name, Buffer.byteLength(text))
  try {
    await slot.write(text)
  } finally {
    await slot.release()
  }
}

interface Sealer {
  /** Those of new records, both of them. */
  readKeys(name: string): Promise<BothKeys & { key: KeyLocation }>
  seal(header: ClearHeader, parts: RecordParts): Promise<string>
  open(text: string, name: string, how: typeof openBody): Promise<object | undefined>
}

function createSealer(keys: Keys): Sealer {
  const readKeys: Sealer['readKeys'] = async (name) => {
    const key = await keys.location()
    return { key, ...requireBothKeys(await keys.open(key), name) }
  }
  return {
    readKeys,
    seal: async (header, parts) => {
      const { key, ...both } = await readKeys(header.name)
      return sealRecord({ ...header, key }, parts, both)
    },
    open: async (text, name, how) => {
      const { key } = decodeClear(text, name)
      return how(text, name, key === undefined ? undefined : await keys.open(key))
    },
  }
}

/** The lines of the record in a room; what the room was longer may still follow them. */
function cutRoom(text: string): string {
  const lines = text.startsWith('{"v":1,') ? 2 : 3
  return `${text.split('\n', lines).join('\n')}\n`
}

function encodeClearRecord({ key: _, ...header }: Header): string {
  return encodeRecord(header)
}

function buildEntry<G>(header: Header, grant: G | undefined): { header: Header; grant?: G } {
  return grant === undefined ? { header } : { header, grant }
}

function assertEntryName(entry: Entry): Entry {
  assertIdentityName(entry.header.name)
  return entry
}

async function readListedRecord(
  name: string,
  read: (name: string) => Promise<Header | undefined>,
): Promise<ListedRecord> {
  try {
    const header = await read(name)
    return header === undefined ? { name, problem: 'it was removed just now' } : { name, header }
  } catch (error) {
    if (isDaypassError(error)) return { name, problem: error.message }
    throw error
  }
}

function createEntrySlot(
  slot: Slot,
  name: string,
  encode: (entry: Entry) => Promise<string> | string,
): EntrySlot {
  return {
    write: async (entry) => {
      if (entry.header.name !== name) throw new Error(`room of ${name} used for ${entry.header.name}`)
      await slot.write(await encode(entry))
    },
    release: () => slot.release(),
  }
}

function createSealedTexts(store: Store, { seal, open }: Pick<Sealer, 'seal' | 'open'>): Vault['sealed'] {
  return {
    read: async (name) => {
      const text = await store.get(assertReservedName(name))
      return text === undefined ? undefined : open(text, name, openBody)
    },
    write: async (name, body) => {
      const parts = { use: {}, renew: body }
      await writeText(store, name, await seal({ v: 2, name: assertReservedName(name) }, parts))
    },
    remove: async (name) => store.delete(assertReservedName(name)),
    names: async () => (await store.names()).filter((name) => name.startsWith(RESERVED_PREFIX)),
  }
}

function assertReservedName(name: string): string {
  if (name.startsWith(RESERVED_PREFIX)) return name
  throw new DaypassError('unexpected', `${JSON.stringify(name)} is not a reserved name`)
}

export interface DiskVaultOptions extends DiskOptions {
  /** Where to store the key if that is not decided yet. */
  wanted?: KeyPlacement | undefined
  /** Limits for the keychain; `login` on a terminal passes `{ limit: 60_000, onSlow }`. */
  keychain?: KeychainOptions | undefined
}

/** Opens the vault in a folder. */
export function openDiskVault(folder: string, options: DiskVaultOptions = {}): Vault {
  const { wanted, keychain, report, patience, kinds } = options
  const keys = createDiskKeys(folder, { wanted, keychain, report, lock: { patience, kinds } })
  return createVault({ store: diskStore(folder, options), keys })
}

/** Creates a vault that ends with the process. `patience` is in milliseconds. */
export function createMemoryVault(options: { patience?: number } = {}): Vault {
  const key = deriveKeys(randomBytes(32))
  const location = { id: 'memory', where: 'memory' } as const
  return createVault({
    store: memoryStore(options),
    keys: { location: async () => location, open: async () => key },
  })
}
