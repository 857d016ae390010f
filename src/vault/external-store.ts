/**
 * Grants that are stored outside the vault, in another tool's file that this tool also reads and renews. The
 * record stays in the vault: its header names the file, and its body holds no secret. The file is
 * authoritative, and readers of the vault see its content.
 */
import { createHash } from 'node:crypto'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import type { EntrySlot, ListedRecord, Vault } from './vault.ts'

export interface ExternalStore {
  /** Returns the record with newer facts; undefined where the other tool ended the login. */
  read(path: string, header: Header): Promise<EntryWithGrant | undefined>
  /** Durable when it returns. */
  write(path: string, entry: EntryWithGrant): void
  /** Reserves space for the answer to a renewal. */
  reserve(path: string, entry: EntryWithGrant): { write(entry: EntryWithGrant): void; release(): void }
  remove(path: string): void
  /** Moves an unreadable file aside for a new login. Resolves to its new path. */
  quarantine(path: string): Promise<string>
}

export type EntryWithGrant = Entry & { grant: Grant }

/** By the kind of store; each is loaded on first use. */
export type ExternalStores = Readonly<Record<string, () => Promise<ExternalStore>>>

const hasGrant = (entry: Entry): entry is EntryWithGrant => entry.grant !== undefined

export function attachExternalStores(vault: Vault, homes: ExternalStores): Vault {
  /** The grant last read from each path. Writing it again could undo a change of the other tool. */
  const seen = new Map<string, Grant>()

  async function findExternalStore({ home, name }: Header): Promise<ExternalStore | undefined> {
    if (home === undefined) return undefined
    if (Object.hasOwn(homes, home.kind)) return homes[home.kind]!()
    throw new DaypassError('vault', `the grant of ${name} rests in a place that this daypass does not know`, {
      hint: 'update daypass: npm install -g daypass',
    })
  }

  async function readCurrentEntry(header: Header): Promise<Entry> {
    const home = await findExternalStore(header)
    if (!home || header.key === undefined) return { header }
    const { path } = header.home!
    const there = await home.read(path, header)
    if (!there) return { header: { ...header, loginRequired: header.loginRequired ?? ENDED_ELSEWHERE } }
    seen.set(path, there.grant)
    return { header: mergeExternalHeader(there), grant: there.grant }
  }

  const header = async (name: string) => {
    const kept = await vault.header(name)
    return kept?.home ? (await readCurrentEntry(kept)).header : kept
  }

  async function writeEntry(entry: Entry): Promise<void> {
    const home = await findExternalStore(entry.header)
    if (!home) return vault.write(entry)
    const { path } = entry.header.home!
    if (!hasGrant(entry)) home.remove(path)
    else if (!isSameGrant(entry.grant, seen.get(path))) home.write(path, entry)
    await vault.write(removeSecrets(entry))
  }

  return {
    ...vault,
    header,
    list: async () => Promise.all((await vault.list()).map((one) => refreshListed(one, readCurrentEntry))),
    async readCredential(name) {
      const kept = await vault.header(name)
      return kept?.home ? readCurrentEntry(kept) : vault.readCredential(name)
    },
    async read(name) {
      const kept = await vault.header(name)
      return kept?.home ? readCurrentEntry(kept) : vault.read(name)
    },
    write: writeEntry,
    async reserve(entry) {
      const home = await findExternalStore(entry.header)
      if (!home || !hasGrant(entry)) return vault.reserve(entry)
      const slot = await vault.reserve(removeSecrets(entry))
      try {
        const { path } = entry.header.home!
        return combineSlots(slot, home.reserve(path, entry), () => isUnchanged(home, path, entry))
      } catch (error) {
        await slot.release()
        throw error
      }
    },
    // An interrupted answer lies in that file's folder. The server returns it once more, so nothing is
    // recovered.
    recoverPending: async (name) => ((await vault.header(name))?.home ? false : vault.recoverPending(name)),
    async clearExternalStore({ kind, path }) {
      seen.delete(path)
      const home = await homes[kind]?.()
      home?.remove(path)
    },
    async remove(name) {
      const kept = await vault.header(name).catch(() => undefined)
      const home = kept?.key && (await findExternalStore(kept))
      if (home) home.remove(kept!.home!.path)
      return vault.remove(name)
    },
    async quarantine(name) {
      const kept = await vault.header(name).catch(() => undefined)
      const home = kept?.key && (await findExternalStore(kept))
      return home ? home.quarantine(kept!.home!.path) : vault.quarantine(name)
    },
  }

  /** The file is not locked: another tool may end or replace the login while we wait for the server. */
  async function isUnchanged(
    home: ExternalStore,
    path: string,
    { header, grant }: EntryWithGrant,
  ): Promise<boolean> {
    try {
      const now = await home.read(path, header)
      return now !== undefined && (grant.refreshToken?.equals(now.grant.refreshToken) ?? true)
    } catch (error) {
      // A half-written file says nothing about the login.
      if (isDaypassError(error)) return true
      throw error
    }
  }

  function combineSlots(
    slot: EntrySlot,
    room: ReturnType<ExternalStore['reserve']>,
    isAsBefore: () => Promise<boolean>,
  ): EntrySlot {
    return {
      async write(entry) {
        if (!hasGrant(entry)) return writeEntry(entry)
        const isNew = !isSameGrant(entry.grant, seen.get(entry.header.home!.path))
        if (isNew && (await isAsBefore())) room.write(entry)
        await slot.write(removeSecrets(entry))
      },
      async release() {
        room.release()
        await slot.release()
      },
    }
  }
}

const ENDED_ELSEWHERE = 'another tool has ended its login'

async function refreshListed(
  one: ListedRecord,
  readCurrentEntry: (header: Header) => Promise<Entry>,
): Promise<ListedRecord> {
  if (!('header' in one) || !one.header.home) return one
  try {
    return { name: one.name, header: (await readCurrentEntry(one.header)).header }
  } catch (error) {
    if (isDaypassError(error)) return { name: one.name, problem: error.message }
    throw error
  }
}

/**
 * Merges the record with the grant from the file. The times come from the grant where it has any.
 * `loginRequired` and `sessionExpiresAt` count only while the file holds the same refresh token and the same
 * login.
 */
function mergeExternalHeader({
  header,
  grant: { credential, refreshToken, proofKey },
}: EntryWithGrant): Header {
  const { loginRequired, unanswered, sessionExpiresAt, ...rest } = header
  const { refused, login } = header.home!
  const isRefused = refreshToken === undefined || refused === digestSecret(refreshToken)
  // Each login has its own key for its whole life.
  const isOurs = login === undefined || (proofKey !== undefined && login === digestPublicKey(proofKey))
  const { expiresAt = header.expiresAt } = credential
  const issuedAt = expiresAt === header.expiresAt ? header.issuedAt : credential.issuedAt
  return {
    ...rest,
    ...(issuedAt !== undefined && { issuedAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(isOurs && sessionExpiresAt !== undefined && { sessionExpiresAt }),
    ...(isRefused && loginRequired !== undefined && { loginRequired }),
    ...(unanswered !== undefined && { unanswered }),
  }
}

/** Returns the record for the vault, without secrets. */
function removeSecrets({ header, grant }: Entry): Entry {
  if (!grant) return { header }
  const { home, ...rest } = header
  const { kind, path } = home!
  const { credential, refreshToken, proofKey } = grant
  const refused = header.loginRequired !== undefined && refreshToken && digestSecret(refreshToken)
  const none = new Secret('')
  const empty = credential.kind === 'keys' ? { secretAccessKey: none, sessionToken: none } : { token: none }
  return {
    header: {
      ...rest,
      home: {
        kind,
        path,
        ...(refused && { refused }),
        ...(proofKey && { login: digestPublicKey(proofKey) }),
      },
    },
    grant: { credential: { ...credential, ...empty } as Grant['credential'] },
  }
}

/** Digests the public key; the order of the JWK's members has no effect. */
function digestPublicKey(proofKey: Secret): string {
  const { x, y } = JSON.parse(proofKey.reveal()) as Record<string, string>
  return digestSecret(new Secret(`${x}.${y}`))
}

const digestSecret = (token: Secret) => createHash('sha256').update(token.reveal()).digest('hex')

function isSameGrant(a: Grant, b: Grant | undefined): boolean {
  const secret = ({ credential }: Grant) =>
    credential.kind === 'keys' ? credential.secretAccessKey : credential.token
  return b !== undefined && secret(a).equals(secret(b)) && (a.refreshToken?.equals(b.refreshToken) ?? true)
}
