import { randomBytes } from 'node:crypto'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { assertIdentityName } from '../core/names.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import { type DiskOptions, diskStore } from './disk.ts'
import { type ClearHeader, decodeClear, decodeHeader } from './header.ts'
import type { KeychainOptions } from './keychain.ts'
import { createDiskKeys, type KeyPlacement, type Keys } from './keys.ts'
import { memoryStore } from './memory.ts'
import { computeSealedLength, encodeRecord, openBody, sealRecord } from './seal.ts'
import type { Slot, Store } from './store.ts'
import type { EntrySlot, ListedRecord, Vault } from './vault.ts'

/** Bytes that a renewal may add to the record: a longer token, an id_token, new claims. */
const RENEWAL_MARGIN = 16 * 1024

const RESERVED_PREFIX = '__'

export function createVault({ store, keys }: { store: Store; keys: Keys }): Vault {
  const { seal, open } = createSealer(keys)
  const encode = ({ header, grant }: Entry) =>
    grant === undefined ? encodeClearRecord(header) : seal(header, grant)
  const header = async (name: string) => {
    const text = await store.get(assertIdentityName(name))
    return text === undefined ? undefined : decodeHeader(text, name)
  }
  const decode = async (text: string, name: string) =>
    buildEntry(decodeHeader(text, name), await open(text, name))
  /**
   * Decodes an unfinished file: the first two lines count, and the rest of the reserved bytes may follow. The
   * seal shows whether the record is complete.
   */
  const decodeComplete = (text: string, name: string) =>
    decode(`${text.split('\n', 2).join('\n')}\n`, name).catch((error: unknown) => {
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
    read: async (name) => {
      const text = await store.get(assertIdentityName(name))
      return text === undefined ? undefined : decode(text, name)
    },
    write,
    reserve: async (entry) => {
      const key = await keys.location()
      await keys.open(key)
      const bytes =
        computeSealedLength({ ...assertEntryName(entry).header, key }, entry.grant ?? {}) + RENEWAL_MARGIN
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
  seal(header: ClearHeader, body: unknown): Promise<string>
  open(text: string, name: string): Promise<unknown>
}

function createSealer(keys: Keys): Sealer {
  return {
    seal: async (header, body) => {
      const key = await keys.location()
      return sealRecord({ ...header, key }, body, await keys.open(key))
    },
    open: async (text, name) => {
      const { key } = decodeClear(text, name)
      return openBody(text, name, key === undefined ? undefined : await keys.open(key))
    },
  }
}

function encodeClearRecord({ key: _, ...header }: Header): string {
  return encodeRecord(header)
}

function buildEntry(header: Header, grant: unknown): Entry {
  return grant === undefined ? { header } : { header, grant: grant as Grant }
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

function createSealedTexts(store: Store, { seal, open }: Sealer): Vault['sealed'] {
  return {
    read: async (name) => {
      const text = await store.get(assertReservedName(name))
      return text === undefined ? undefined : open(text, name)
    },
    write: async (name, body) => {
      await writeText(store, name, await seal({ v: 1, name: assertReservedName(name) }, body))
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
  const key = randomBytes(32)
  const location = { id: 'memory', where: 'memory' } as const
  return createVault({
    store: memoryStore(options),
    keys: { location: async () => location, open: async () => key },
  })
}
