/** The login cache of the AWS tools as the home of a grant: daypass and every AWS SDK renew the same session. */
import type { Grant } from '../core/types.ts'
import type { Home, Settled } from '../vault/homes.ts'
import {
  readLoginSession,
  removeLoginSession,
  reserveLoginSession,
  writeLoginSession,
} from './aws-login-cache.ts'
import type { LoginSession } from './aws-login-session.ts'

/** Keys of a sign-in live this long at most, in milliseconds. */
const LONGEST = 900_000

export const awsLoginHome: Home = {
  async read(path) {
    const session = await readLoginSession(path)
    if (!session) return undefined
    others.set(path, session)
    return grantOf(session)
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
}

/** What other tools keep in the file beside what we know goes back there. */
const others = new Map<string, LoginSession>()

function grantOf(session: LoginSession): Grant {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt, refreshToken, proofKey } = session
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
    expiresAt,
    refreshToken,
    proofKey,
    accountId: header.account?.account ?? before?.accountId ?? '',
    clientId: header.clientId ?? before?.clientId ?? '',
    ...(signInRegion !== undefined && { signInRegion }),
  }
}

/** `https://eu-west-1.signin.aws.amazon.com/v1/token`: where it was signed in, whatever region is worked in. */
const regionOf = (token = '') => token.match(/^https:\/\/([a-z0-9-]+)\.signin\./)?.[1]
