/** A credential for a program that names a host and no identity: git, docker. */
import { formatCommand, isDaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Header } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { Resolved } from '../identity/select.ts'
import { type Context, find, found, resolve, withConfigured } from './context.ts'
import { credentialOf, definitionBehind, type Handed, meant, takeOnce } from './credential.ts'
import { hostsOf, type Use, userOf } from './hosts.ts'

/** What the program says. */
export interface Ask {
  use: Use
  /** As `placeOf` makes it: nothing but a protocol and a host. */
  place: URL
  /** No other identity will do. */
  selected?: string | undefined
  /** As whom, where the person has said it. */
  user?: string | undefined
}

/** One identity's credential. */
export type ForHost = Handed & {
  /** Beside the token. */
  user: string
  /** The provider's file says so: nothing else will do. */
  isFixed: boolean
}

interface Found {
  definition: Definition
  header?: Header | undefined
}

interface Candidate extends Found {
  /** As `credentialOf` is asked for it; `undefined`: what is meant here. */
  select: string | undefined
}

/** `undefined`: it is nobody's here. What a person should know of that is said. Never a browser. */
export async function handOutFor(context: Context, ask: Ask): Promise<ForHost | undefined> {
  const { candidate, why } = await candidateFor(context, ask)
  if (why !== undefined) context.host.terminal.warn(why)
  if (!candidate) return undefined
  const handed = await credentialOf(context, candidate.select, {})
  if (handed.credential.kind !== 'bearer') return undefined
  // A token of the environment may stand in, and be for somewhere else.
  const definition = await definitionBehind(context, handed)
  if (!isFor(ask, { definition, header: handed.header })) return undefined
  const isFixed = candidate.definition.provider.helpers[ask.use]?.user !== undefined
  return { ...handed, user: besideToken(ask.use, candidate), isFixed }
}

const besideToken = (use: Use, { definition, header }: Found) => userOf(use, definition, header)

/** The program was told that what it sent is no good: renewed once, if it is what an identity has handed out. */
export async function refusedFor(context: Context, ask: Ask, sent: Secret): Promise<void> {
  const { fitting } = await fittingFor(context, ask)
  for (const { definition } of fitting) {
    const credential = (await context.vault.read(definition.name))?.grant?.credential
    if (credential?.kind === 'bearer' && credential.token.equals(sent))
      await takeOnce(context, definition, { rejected: sent })
  }
}

/** Where identities have a credential that is good, or can be made so, and as which user. Offline. */
export async function offeredFor(context: Context, use: Use): Promise<{ host: string; user: string }[]> {
  const { all } = await everyone(context)
  const hosts = [
    ...new Set(all.flatMap(({ definition, header }) => [...hostsOf(definition, header?.endpoints, use)])),
  ].sort()
  const answers = hosts.map(async (host) => {
    const { candidate } = await candidateFor(context, { use, place: new URL(`https://${host}`) })
    const { header } = candidate ?? {}
    const isThere = header?.key !== undefined && header.loginRequired === undefined
    return candidate && isThere ? { host, user: besideToken(use, candidate) } : undefined
  })
  return (await Promise.all(answers)).filter((each) => each !== undefined)
}

interface Choice {
  candidate?: Candidate
  why?: string | undefined
}

/** By its name or user, else the one that is meant here, else the only one. */
async function candidateFor(context: Context, ask: Ask): Promise<Choice> {
  const { fitting, problems } = await fittingFor(context, ask)
  const named = fitting.filter((one) => isNamed(ask, one))
  const asked = named.length > 0 ? named : fitting.filter((one) => isAnybodys(ask, one))
  const here = ask.selected === undefined ? await meantHere(context) : undefined
  // A credential of the environment stands in for whoever was not named.
  if (here && 'environment' in here && named.length === 0) {
    const definition = await meant(context)
    if (isFor(ask, { definition })) return { candidate: { definition, select: undefined } }
  }
  const chosen =
    here && 'identity' in here && asked.find(({ definition }) => definition.name === here.identity)
  if (chosen)
    return { candidate: { ...chosen, select: named.length > 0 ? chosen.definition.name : undefined } }
  const [one, ...more] = asked
  if (one && more.length === 0) return { candidate: { ...one, select: one.definition.name } }
  return { why: whyNobody(ask, fitting, asked, problems) }
}

function whyNobody(
  { place, user }: Ask,
  fitting: readonly Found[],
  asked: readonly Found[],
  problems: readonly string[],
): string | undefined {
  const names = (list: readonly Found[]) => list.map(({ definition }) => definition.name).join(', ')
  const choose = `${formatCommand({ verb: 'use', identity: 'NAME' })}, or ${place.protocol}//NAME@${place.host}/…`
  if (asked.length > 0) return `several identities are for ${place.host}: ${names(asked)}; next: ${choose}`
  if (fitting.length > 0)
    return `none of the identities for ${place.host} is ${JSON.stringify(user)}: ${names(fitting)}`
  return problems[0]
}

async function fittingFor(context: Context, ask: Ask): Promise<{ fitting: Found[]; problems: string[] }> {
  const { all, problems } =
    ask.selected === undefined
      ? await everyone(context)
      : { all: [await find(context, ask.selected)], problems: [] }
  return { fitting: all.filter((one) => isFor(ask, one)), problems }
}

/** Whoever has keys has no token. */
const isFor = ({ use, place }: Ask, { definition, header }: Found) =>
  definition.provider.keys === undefined && hostsOf(definition, header?.endpoints, use).includes(place.host)

/** The person has written whose it is, as the account or the identity is called. */
function isNamed({ user }: Ask, { definition, header }: Found): boolean {
  const { account, email, principal } = header?.account ?? {}
  const names = [definition.name, account, email, principal]
  return user !== undefined && names.some((name) => name?.toLowerCase() === user.toLowerCase())
}

/** Nobody was named, or only the user that stands beside every token. */
const isAnybodys = ({ user, use }: Ask, one: Found) => user === undefined || user === besideToken(use, one)

/** What is wrong with one identity is no trouble of the others'. */
async function everyone(context: Context): Promise<{ all: Found[]; problems: string[] }> {
  const kept = await context.vault.list()
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const problems = kept.flatMap((one) => ('problem' in one ? [one.problem] : []))
  const all: Found[] = []
  for (const name of withConfigured(context, [...headers.keys()])) {
    try {
      all.push(await found(context, name, headers.get(name)))
    } catch (error) {
      if (!isDaypassError(error)) throw error
      problems.push(error.message)
    }
  }
  return { all, problems }
}

/** That nobody is meant here is no failure: there may be just one for the host. */
async function meantHere(context: Context): Promise<Resolved | undefined> {
  try {
    return await resolve(context)
  } catch (error) {
    if (isDaypassError(error, 'usage') || isDaypassError(error, 'login_required')) return undefined
    throw error
  }
}
