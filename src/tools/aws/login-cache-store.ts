/** The login cache of the AWS tools as the home of a grant: daypass and every AWS SDK renew the same session. */
import type { Grant, Header } from '../../core/types.ts'
import type { Home, Settled } from '../../vault/external-store.ts'
import {
  readLoginSession,
  removeLoginSession,
  reserveLoginSession,
  setLoginSessionAside,
  writeLoginSession,
} from './login-cache.ts'
import type { LoginSession } from './login-session.ts'

/** Keys of a sign-in live this long at most, in milliseconds. */
const LONGEST = 900_000

export const awsLoginHome: Home = {
  async read(path, header) {
    const session = await readLoginSession(path)
    if (!session) return undefined
    others.set(path, session)
    return { header: headerOf(session, header), grant: grantOf(session, header) }
  },
  write: (path, entry) => writeLoginSession(path, sessionOf(entry, others.get(path))),
  reserve(path, entry) {
    const room = reserveLoginSession(path, sessionOf(entry, others.get(path)))
    return {
      write: (renewed) => room.write(sessionOf(renewed, others.get(path))),
      release: () => room.release(),
    }
  },
  remove(path) {
    others.delete(path)
    removeLoginSession(path)
  },
  setAside: (path) => setLoginSessionAside(path),
}

/** What other tools keep in the file beside what we know goes back there. */
const others = new Map<string, LoginSession>()

/** Another tool may have logged in since, as another client and in another region. */
function headerOf({ clientId, signInRegion }: LoginSession, header: Header): Header {
  const { endpoints } = header
  const there = (url: string | undefined) => url && signInRegion && inRegion(url, signInRegion)
  const [authorization, token] = [there(endpoints?.authorization), there(endpoints?.token)]
  return {
    ...header,
    clientId,
    ...(endpoints && {
      endpoints: { ...endpoints, ...(authorization && { authorization }), ...(token && { token }) },
    }),
  }
}

/** Times in the file are by the clock of this machine, ours by the server's. */
function grantOf(session: LoginSession, { clockOffset = 0 }: Header): Grant {
  const { accessKeyId, secretAccessKey, sessionToken, refreshToken, proofKey } = session
  const expiresAt = session.expiresAt + clockOffset
  const credential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId,
    secretAccessKey,
    sessionToken,
    issuedAt: expiresAt - LONGEST,
    expiresAt,
  } as const
  return { credential, refreshToken, proofKey }
}

function sessionOf({ header, grant }: Settled, before: LoginSession | undefined): LoginSession {
  const { credential, refreshToken, proofKey } = grant
  if (credential.kind !== 'keys' || !credential.sessionToken || !refreshToken || !proofKey)
    throw new Error(`the grant of ${header.name} is no session of AWS Sign-In`)
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt = 0 } = credential
  const signInRegion = regionOf(header.endpoints?.token) ?? header.params.region
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

/** `https://eu-west-1.signin.aws.amazon.com/v1/token`: where it was signed in, whatever region is worked in. */
const REGIONAL = /^(https:\/\/)([a-z0-9-]+)(\.signin\..*)$/

const regionOf = (token = '') => REGIONAL.exec(token)?.[2]

const inRegion = (url: string, region: string) =>
  /^[a-z0-9-]+$/.test(region) ? url.replace(REGIONAL, `$1${region}$3`) : url
