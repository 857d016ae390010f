import { randomBytes } from 'node:crypto'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { checkIdentityName } from '../core/names.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import { type DiskOptions, diskStore } from './disk.ts'
import { type Clear, decodeClear, decodeHeader } from './header.ts'
import type { KeychainPatience } from './keychain.ts'
import { diskKeys, type Keys, type Wanted } from './keys.ts'
import { memoryStore } from './memory.ts'
import { encodeRecord, openBody, sealedLength, sealRecord } from './seal.ts'
import type { Slot, Store } from './store.ts'
import type { EntrySlot, Listed, Vault } from './vault.ts'

/** What an answer may add to the record that is renewed: a longer token, an id token, new claims. */
const MARGIN = 16 * 1024

const OURS = '__'

export function createVault({ store, keys }: { store: Store; keys: Keys }): Vault {
  const { seal, open } = sealing(keys)
  const encode = ({ header, grant }: Entry) =>
    grant === undefined ? clearRecord(header) : seal(header, grant)
  const header = async (name: string) => {
    const text = await store.get(checkIdentityName(name))
    return text === undefined ? undefined : decodeHeader(text, name)
  }
  const decode = async (text: string, name: string) => entry(decodeHeader(text, name), await open(text, name))
  /** Room that was not filled yet, or half filled, is no record; its seal says so. What it was longer may still follow. */
  const whole = (text: string, name: string) =>
    decode(`${text.split('\n', 2).join('\n')}\n`, name).catch((error: unknown) => {
      if (isDaypassError(error, 'vault')) return undefined
      throw error
    })
  const write = async (entry: Entry) => {
    await put(store, entry.header.name, await encode(checked(entry)))
  }
  const names = async () => (await store.names()).filter((name) => !name.startsWith(OURS))
  return {
    header,
    names,
    list: async () => Promise.all((await names()).map((name) => listed(name, header))),
    read: async (name) => {
      const text = await store.get(checkIdentityName(name))
      return text === undefined ? undefined : decode(text, name)
    },
    write,
    reserve: async (entry) => {
      const key = await keys.location()
      await keys.open(key)
      const bytes = sealedLength({ ...checked(entry).header, key }, entry.grant ?? {}) + MARGIN
      return entrySlot(await store.reserve(entry.header.name, bytes), entry.header.name, encode)
    },
    rescue: async (name) => {
      const unanswered = (await header(name))?.unanswered
      if (unanswered === undefined) return false
      const written = await Promise.all((await store.unfinished(name)).map((text) => whole(text, name)))
      const answer = written.find((one) => one?.header.lastRenewal?.beganAt === unanswered)
      if (answer) await write(answer)
      return answer !== undefined
    },
    remove: async (name) => store.delete(checkIdentityName(name)),
    setAside: async (name) => store.setAside(checkIdentityName(name)),
    exclusive: (name, purpose, work) => store.exclusive(name, purpose, work),
    sealed: startedLogins(store, { seal, open }),
    location: async () => {
      const location = await keys.location()
      await keys.open(location)
      return location
    },
  }
}

async function put(store: Store, name: string, text: string): Promise<void> {
  const slot = await store.reserve(name, Buffer.byteLength(text))
  try {
    await slot.write(text)
  } finally {
    await slot.release()
  }
}

interface Sealing {
  seal(header: Clear, body: unknown): Promise<string>
  open(text: string, name: string): Promise<unknown>
}

function sealing(keys: Keys): Sealing {
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

function clearRecord({ key: _, ...header }: Header): string {
  return encodeRecord(header)
}

function entry(header: Header, grant: unknown): Entry {
  return grant === undefined ? { header } : { header, grant: grant as Grant }
}

function checked(entry: Entry): Entry {
  checkIdentityName(entry.header.name)
  return entry
}

async function listed(name: string, read: (name: string) => Promise<Header | undefined>): Promise<Listed> {
  try {
    const header = await read(name)
    return header === undefined ? { name, problem: 'it was removed just now' } : { name, header }
  } catch (error) {
    if (isDaypassError(error)) return { name, problem: error.message }
    throw error
  }
}

function entrySlot(slot: Slot, name: string, encode: (entry: Entry) => Promise<string> | string): EntrySlot {
  return {
    write: async (entry) => {
      if (entry.header.name !== name) throw new Error(`room of ${name} used for ${entry.header.name}`)
      await slot.write(await encode(entry))
    },
    release: () => slot.release(),
  }
}

function startedLogins(store: Store, { seal, open }: Sealing): Vault['sealed'] {
  return {
    read: async (name) => {
      const text = await store.get(ours(name))
      return text === undefined ? undefined : open(text, name)
    },
    write: async (name, body) => {
      await put(store, name, await seal({ v: 1, name: ours(name) }, body))
    },
    remove: async (name) => store.delete(ours(name)),
    names: async () => (await store.names()).filter((name) => name.startsWith(OURS)),
  }
}

function ours(name: string): string {
  if (name.startsWith(OURS)) return name
  throw new DaypassError('unexpected', `${JSON.stringify(name)} is not a reserved name`)
}

export interface DiskVaultOptions extends DiskOptions {
  /** Where the key shall lie, if that is still open. */
  wanted?: Wanted | undefined
  /** Patience with the keychain; `login` on a terminal gives `{ limit: 60_000, onSlow }`. */
  keychain?: KeychainPatience | undefined
}

/** The vault in a folder. */
export function diskVault(folder: string, options: DiskVaultOptions = {}): Vault {
  const { wanted, keychain, report, patience, kinds } = options
  const keys = diskKeys(folder, { wanted, keychain, report, lock: { patience, kinds } })
  return createVault({ store: diskStore(folder, options), keys })
}

/** A vault that is gone with the process. */
export function memoryVault(options: { patience?: number } = {}): Vault {
  const key = randomBytes(32)
  const location = { id: 'memory', where: 'memory' } as const
  return createVault({
    store: memoryStore(options),
    keys: { location: async () => location, open: async () => key },
  })
}
