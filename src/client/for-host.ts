/** Finds a credential for a program that names a host and no identity: git, docker. */
import { formatCommand, isDaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Header } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { SelectedIdentity } from '../identity/select.ts'
import {
  buildIdentity,
  type Context,
  loadIdentity,
  mergeConfiguredNames,
  resolveIdentity,
} from './context.ts'
import {
  type CredentialResult,
  getCredentialDefinition,
  renewOnce,
  resolveCredential,
  resolveDefinition,
} from './credential.ts'
import { type HelperKind, listAllowedHosts, resolveHelperUser } from './hosts.ts'

/** The request of the program. */
export interface HostRequest {
  use: HelperKind
  /** As `parseHostUrl` returns it: only a protocol and a host. */
  place: URL
  /** Use only this identity. */
  selected?: string | undefined
  /** The user, where the person named one. */
  user?: string | undefined
}

export type HostCredential = CredentialResult & {
  /** The user name sent with the token. */
  user: string
  /** The provider's file sets the user: only a user and a password are accepted. */
  isFixed: boolean
}

interface HostIdentity {
  definition: Definition
  header?: Header | undefined
}

interface HostCandidate extends HostIdentity {
  /** The argument of `getIdentityCredential`; undefined means the current identity. */
  select: string | undefined
}

/** Returns undefined where no identity fits; warns where useful. Never opens a browser. */
export async function getHostCredential(
  context: Context,
  ask: HostRequest,
): Promise<HostCredential | undefined> {
  const { candidate, why } = await chooseCandidate(context, ask)
  if (why !== undefined) context.host.terminal.warn(why)
  if (!candidate) return undefined
  const handed = await resolveCredential(context, candidate.select, {})
  if (handed.credential.kind !== 'bearer') return undefined
  // A token of the environment may replace the identity, and may be for another host.
  const definition = await getCredentialDefinition(context, handed)
  if (!isForHost(ask, { definition, header: handed.header })) return undefined
  const isFixed = candidate.definition.provider.helpers[ask.use]?.user !== undefined
  return { ...handed, user: resolveCandidateUser(ask.use, candidate), isFixed }
}

const resolveCandidateUser = (use: HelperKind, { definition, header }: HostIdentity) =>
  resolveHelperUser(use, definition, header)

/** Renews once after the program reports a refused token, if that token is one that we handed out. */
export async function renewHostCredential(context: Context, ask: HostRequest, sent: Secret): Promise<void> {
  const { fitting } = await listHostCandidates(context, ask)
  for (const { definition } of fitting) {
    const credential = (await context.vault.readCredential(definition.name))?.grant?.credential
    if (credential?.kind === 'bearer' && credential.token.equals(sent))
      await renewOnce(context, definition, { rejected: sent })
  }
}

/** Lists the hosts of identities that have a credential or can renew it, with the user. Works offline. */
export async function listHostCredentials(
  context: Context,
  use: HelperKind,
): Promise<{ host: string; user: string }[]> {
  const { all } = await loadAllIdentities(context)
  const hosts = [
    ...new Set(
      all.flatMap(({ definition, header }) => [...listAllowedHosts(definition, header?.endpoints, use)]),
    ),
  ].sort()
  const answers = hosts.map(async (host) => {
    const { candidate } = await chooseCandidate(context, { use, place: new URL(`https://${host}`) })
    const { header } = candidate ?? {}
    const isThere = header?.key !== undefined && header.loginRequired === undefined
    return candidate && isThere ? { host, user: resolveCandidateUser(use, candidate) } : undefined
  })
  return (await Promise.all(answers)).filter((each) => each !== undefined)
}

interface CandidateChoice {
  candidate?: HostCandidate
  why?: string | undefined
}

/** Chooses by name or user, else the current identity, else the only one. */
async function chooseCandidate(context: Context, ask: HostRequest): Promise<CandidateChoice> {
  const { fitting, problems } = await listHostCandidates(context, ask)
  const named = fitting.filter((one) => isNamedUser(ask, one))
  const asked = named.length > 0 ? named : fitting.filter((one) => isOpenToUser(ask, one))
  const here = ask.selected === undefined ? await tryResolveIdentity(context) : undefined
  // A credential of the environment is used unless the request names an identity.
  if (here && 'environment' in here && named.length === 0) {
    const definition = await resolveDefinition(context)
    if (isForHost(ask, { definition })) return { candidate: { definition, select: undefined } }
  }
  const chosen =
    here && 'identity' in here && asked.find(({ definition }) => definition.name === here.identity)
  if (chosen)
    return { candidate: { ...chosen, select: named.length > 0 ? chosen.definition.name : undefined } }
  const [one, ...more] = asked
  if (one && more.length === 0) return { candidate: { ...one, select: one.definition.name } }
  return { why: explainNoCandidate(ask, fitting, asked, problems) }
}

function explainNoCandidate(
  { place, user }: HostRequest,
  fitting: readonly HostIdentity[],
  asked: readonly HostIdentity[],
  problems: readonly string[],
): string | undefined {
  const names = (list: readonly HostIdentity[]) => list.map(({ definition }) => definition.name).join(', ')
  const choose = `${formatCommand({ verb: 'use', identity: 'NAME' })}, or ${place.protocol}//NAME@${place.host}/…`
  if (asked.length > 0) return `several identities are for ${place.host}: ${names(asked)}; next: ${choose}`
  if (fitting.length > 0)
    return `none of the identities for ${place.host} is ${JSON.stringify(user)}: ${names(fitting)}`
  return problems[0]
}

async function listHostCandidates(
  context: Context,
  ask: HostRequest,
): Promise<{ fitting: HostIdentity[]; problems: string[] }> {
  const { all, problems } =
    ask.selected === undefined
      ? await loadAllIdentities(context)
      : { all: [await loadIdentity(context, ask.selected)], problems: [] }
  return { fitting: all.filter((one) => isForHost(ask, one)), problems }
}

/** Returns whether it may be used at the host; an identity with keys has no token. */
const isForHost = ({ use, place }: HostRequest, { definition, header }: HostIdentity) =>
  definition.provider.keys === undefined &&
  listAllowedHosts(definition, header?.endpoints, use).includes(place.host)

/** Returns whether the person named this identity, by account or by name. */
function isNamedUser({ user }: HostRequest, { definition, header }: HostIdentity): boolean {
  const { account, email, principal } = header?.account ?? {}
  const names = [definition.name, account, email, principal]
  return user !== undefined && names.some((name) => name?.toLowerCase() === user.toLowerCase())
}

/** Returns whether the request names no user, or only the fixed user sent with every token. */
const isOpenToUser = ({ user, use }: HostRequest, one: HostIdentity) =>
  user === undefined || user === resolveCandidateUser(use, one)

/** Loads all identities. A wrong one is a problem of its own and does not hide the others. */
async function loadAllIdentities(context: Context): Promise<{ all: HostIdentity[]; problems: string[] }> {
  const kept = await context.vault.list()
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const problems = kept.flatMap((one) => ('problem' in one ? [one.problem] : []))
  const all: HostIdentity[] = []
  for (const name of mergeConfiguredNames(context, [...headers.keys()])) {
    try {
      all.push(await buildIdentity(context, name, headers.get(name)))
    } catch (error) {
      if (!isDaypassError(error)) throw error
      problems.push(error.message)
    }
  }
  return { all, problems }
}

/** Returns undefined where there is no current identity: the host may still have exactly one. */
async function tryResolveIdentity(context: Context): Promise<SelectedIdentity | undefined> {
  try {
    return await resolveIdentity(context)
  } catch (error) {
    if (isDaypassError(error, 'usage') || isDaypassError(error, 'login_required')) return undefined
    throw error
  }
}
