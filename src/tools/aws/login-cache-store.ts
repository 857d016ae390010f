/** The AWS tools' login cache as a grant's store: daypass and every SDK renew the same session. */
import type { Grant, Header } from '../../core/types.ts'
import type { EntryWithGrant, ExternalStore } from '../../vault/external-store.ts'
import {
  quarantineLoginSession,
  readLoginSession,
  removeLoginSession,
  reserveLoginSession,
  writeLoginSession,
} from './login-cache.ts'
import type { LoginSession } from './login-session.ts'

/** Maximum lifetime of a sign-in's keys, in milliseconds. */
const MAX_KEYS_LIFETIME = 900_000

export const awsLoginStore: ExternalStore = {
  async read(path, header) {
    const session = await readLoginSession(path)
    if (!session) return undefined
    otherFields.set(path, session)
    return { header: buildSessionHeader(session, header), grant: buildAwsGrant(session, header) }
  },
  write: (path, entry) => writeLoginSession(path, buildLoginSession(entry, otherFields.get(path))),
  reserve(path, entry) {
    const room = reserveLoginSession(path, buildLoginSession(entry, otherFields.get(path)))
    return {
      write: (renewed) => room.write(buildLoginSession(renewed, otherFields.get(path))),
      release: () => room.release(),
    }
  },
  remove(path) {
    otherFields.delete(path)
    removeLoginSession(path)
  },
  quarantine: (path) => quarantineLoginSession(path),
}

/** Fields of other tools in the file, which are written back. */
const otherFields = new Map<string, LoginSession>()

/** Builds the header: another tool may have logged in again, with another client and region. */
function buildSessionHeader({ clientId, signInRegion }: LoginSession, header: Header): Header {
  const { endpoints } = header
  const moveToRegion = (url: string | undefined) => url && signInRegion && replaceRegion(url, signInRegion)
  const [authorization, token] = [moveToRegion(endpoints?.authorization), moveToRegion(endpoints?.token)]
  return {
    ...header,
    clientId,
    ...(endpoints && {
      endpoints: { ...endpoints, ...(authorization && { authorization }), ...(token && { token }) },
    }),
  }
}

/** Builds the grant. Times in the file are by this machine's clock, ours by the server's. */
function buildAwsGrant(session: LoginSession, { clockOffset = 0 }: Header): Grant {
  const { accessKeyId, secretAccessKey, sessionToken, refreshToken, proofKey } = session
  const expiresAt = session.expiresAt + clockOffset
  const credential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId,
    secretAccessKey,
    sessionToken,
    issuedAt: expiresAt - MAX_KEYS_LIFETIME,
    expiresAt,
  } as const
  return { credential, refreshToken, proofKey }
}

function buildLoginSession(
  { header, grant }: EntryWithGrant,
  before: LoginSession | undefined,
): LoginSession {
  const { credential, refreshToken, proofKey } = grant
  if (credential.kind !== 'keys' || !credential.sessionToken || !refreshToken || !proofKey)
    throw new Error(`the grant of ${header.name} is no session of AWS Sign-In`)
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt = 0 } = credential
  const signInRegion = parseSigninRegion(header.endpoints?.token) ?? header.params.region
  return {
    ...before,
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiresAt: expiresAt - (header.clockOffset ?? 0),
    refreshToken,
    proofKey,
    accountId: header.account?.account ?? before?.accountId ?? '',
    clientId: header.clientId ?? before?.clientId ?? '',
    ...(signInRegion !== undefined && { signInRegion }),
  }
}

/** `https://eu-west-1.signin.aws.amazon.com/v1/token`: the sign-in's region, not the one in use. */
const REGIONAL = /^(https:\/\/)([a-z0-9-]+)(\.signin\..*)$/

const parseSigninRegion = (token = '') => REGIONAL.exec(token)?.[2]

const replaceRegion = (url: string, region: string) =>
  /^[a-z0-9-]+$/.test(region) ? url.replace(REGIONAL, `$1${region}$3`) : url
