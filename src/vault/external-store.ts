/**
 * Grants that rest outside the vault, because another tool reads and renews them there. The record stays: its header
 * says where, and its body holds no secret. What stands in the home is the truth; whoever asks the vault sees that.
 */
import { createHash } from 'node:crypto'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Entry, Grant, Header } from '../core/types.ts'
import type { EntrySlot, Listed, Vault } from './vault.ts'

export interface Home {
  /** The record's header with what the home knows better. `undefined`: whoever else uses it has ended the login. */
  read(path: string, header: Header): Promise<Settled | undefined>
  /** Durable when it returns. */
  write(path: string, entry: Settled): void
  /** Room for the answer to a renewal. */
  reserve(path: string, entry: Settled): { write(entry: Settled): void; release(): void }
  remove(path: string): void
  /** Moves what cannot be read out of a new login's way; says where it lies now. */
  setAside(path: string): Promise<string>
}

export type Settled = Entry & { grant: Grant }

/** By the kind of home; loaded where one is in use. */
export type Homes = Readonly<Record<string, () => Promise<Home>>>

const isSettled = (entry: Entry): entry is Settled => entry.grant !== undefined

export function withHomes(vault: Vault, homes: Homes): Vault {
  /** What was read last, by its place: writing that again could undo what another tool has done in between. */
  const seen = new Map<string, Grant>()

  async function homeOf({ home, name }: Header): Promise<Home | undefined> {
    if (home === undefined) return undefined
    if (Object.hasOwn(homes, home.kind)) return homes[home.kind]!()
    throw new DaypassError('vault', `the grant of ${name} rests in a place that this daypass does not know`, {
      hint: 'update daypass: npm install -g daypass',
    })
  }

  async function asItStands(header: Header): Promise<Entry> {
    const home = await homeOf(header)
    if (!home || header.key === undefined) return { header }
    const { path } = header.home!
    const there = await home.read(path, header)
    if (!there) return { header: { ...header, loginRequired: header.loginRequired ?? ENDED } }
    seen.set(path, there.grant)
    return { header: renewedThere(there), grant: there.grant }
  }

  const header = async (name: string) => {
    const kept = await vault.header(name)
    return kept?.home ? (await asItStands(kept)).header : kept
  }

  async function write(entry: Entry): Promise<void> {
    const home = await homeOf(entry.header)
    if (!home) return vault.write(entry)
    const { path } = entry.header.home!
    if (!isSettled(entry)) home.remove(path)
    else if (!isSame(entry.grant, seen.get(path))) home.write(path, entry)
    await vault.write(hollow(entry))
  }

  return {
    ...vault,
    header,
    list: async () => Promise.all((await vault.list()).map((one) => listed(one, asItStands))),
    async read(name) {
      const kept = await vault.header(name)
      return kept?.home ? asItStands(kept) : vault.read(name)
    },
    write,
    async reserve(entry) {
      const home = await homeOf(entry.header)
      if (!home || !isSettled(entry)) return vault.reserve(entry)
      const slot = await vault.reserve(hollow(entry))
      try {
        const { path } = entry.header.home!
        return slotOf(slot, home.reserve(path, entry), () => isAsSeen(home, path, entry))
      } catch (error) {
        await slot.release()
        throw error
      }
    },
    // An answer that was cut off lies in the home's own folder; the server gives it once more.
    rescue: async (name) => ((await vault.header(name))?.home ? false : vault.rescue(name)),
    async leave({ kind, path }) {
      seen.delete(path)
      const home = await homes[kind]?.()
      home?.remove(path)
    },
    async remove(name) {
      const kept = await vault.header(name).catch(() => undefined)
      const home = kept?.key && (await homeOf(kept))
      if (home) home.remove(kept!.home!.path)
      return vault.remove(name)
    },
    async setAside(name) {
      const kept = await vault.header(name).catch(() => undefined)
      const home = kept?.key && (await homeOf(kept))
      return home ? home.setAside(kept!.home!.path) : vault.setAside(name)
    },
  }

  /** Nobody locks a home: others may have ended the login while we asked the server, or begun another. */
  async function isAsSeen(home: Home, path: string, { header, grant }: Settled): Promise<boolean> {
    try {
      const now = await home.read(path, header)
      return now !== undefined && (grant.refreshToken?.equals(now.grant.refreshToken) ?? true)
    } catch (error) {
      // Half of a file is nobody's login.
      if (isDaypassError(error)) return true
      throw error
    }
  }

  function slotOf(
    slot: EntrySlot,
    room: ReturnType<Home['reserve']>,
    isAsBefore: () => Promise<boolean>,
  ): EntrySlot {
    return {
      async write(entry) {
        if (!isSettled(entry)) return write(entry)
        const isNew = !isSame(entry.grant, seen.get(entry.header.home!.path))
        if (isNew && (await isAsBefore())) room.write(entry)
        await slot.write(hollow(entry))
      },
      async release() {
        room.release()
        await slot.release()
      },
    }
  }
}

const ENDED = 'another tool has ended its login'

async function listed(one: Listed, asItStands: (header: Header) => Promise<Entry>): Promise<Listed> {
  if (!('header' in one) || !one.header.home) return one
  try {
    return { name: one.name, header: (await asItStands(one.header)).header }
  } catch (error) {
    if (isDaypassError(error)) return { name: one.name, problem: error.message }
    throw error
  }
}

/** What the record says of its times is what we knew last; what it says of its end is of the login that it was. */
function renewedThere({ header, grant: { credential, refreshToken, proofKey } }: Settled): Header {
  const { loginRequired, unanswered, sessionExpiresAt, ...rest } = header
  const { refused, login } = header.home!
  const isRefused = refreshToken === undefined || refused === digest(refreshToken)
  // Each login has a key of its own, for as long as it lasts.
  const isOurs = login === undefined || (proofKey !== undefined && login === publicPart(proofKey))
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

/** The record that stays in the vault: nothing in it is secret. */
function hollow({ header, grant }: Entry): Entry {
  if (!grant) return { header }
  const { home, ...rest } = header
  const { kind, path } = home!
  const { credential, refreshToken, proofKey } = grant
  const refused = header.loginRequired !== undefined && refreshToken && digest(refreshToken)
  const none = new Secret('')
  const empty = credential.kind === 'keys' ? { secretAccessKey: none, sessionToken: none } : { token: none }
  return {
    header: {
      ...rest,
      home: { kind, path, ...(refused && { refused }), ...(proofKey && { login: publicPart(proofKey) }) },
    },
    grant: { credential: { ...credential, ...empty } as Grant['credential'] },
  }
}

/** The same in whatever order the key's members are written. */
function publicPart(proofKey: Secret): string {
  const { x, y } = JSON.parse(proofKey.reveal()) as Record<string, string>
  return digest(new Secret(`${x}.${y}`))
}

const digest = (token: Secret) => createHash('sha256').update(token.reveal()).digest('hex')

function isSame(a: Grant, b: Grant | undefined): boolean {
  const secret = ({ credential }: Grant) =>
    credential.kind === 'keys' ? credential.secretAccessKey : credential.token
  return b !== undefined && secret(a).equals(secret(b)) && (a.refreshToken?.equals(b.refreshToken) ?? true)
}
