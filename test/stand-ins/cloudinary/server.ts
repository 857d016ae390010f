import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAuthorizeRoutes } from '../../../src/testing/authorize.ts'
import { createProofs } from '../../../src/testing/dpop.ts'
import { createLedger } from '../../../src/testing/ledger.ts'
import type { Route } from '../../../src/testing/message.ts'
import type { TestClient } from '../../../src/testing/options.ts'
import { createPushed } from '../../../src/testing/par.ts'
import { closeServer, createTestServer, startListening } from '../../../src/testing/serve.ts'
import { createSigner } from '../../../src/testing/sign.ts'
import { createTokenRoutes } from '../../../src/testing/token.ts'
import { createApi } from './api.ts'
import type { CloudinaryOptions, CloudinaryStandIn } from './options.ts'

const CLIENT_ID = 'a920ea9c-531b-4613-9783-1d4f4cc10655'
const DAY = 86_400_000
const USER = { sub: 'person-1', login: 'ada', email: 'ada@example.com', name: 'Ada Lovelace' }
const KEY = { key: '874837483274837', secret: 'a676b67565c6767a6767d6767f676fe1' }

/** Where Hydra has what our own server has elsewhere. */
const PATHS: Record<string, string> = {
  '/authorize': '/oauth2/auth',
  '/token': '/oauth2/token',
  '/revoke': '/oauth2/revoke',
}

const moved = (doors: readonly Route[]): Route[] =>
  doors.flatMap((door) => (PATHS[door.path] ? [{ ...door, path: PATHS[door.path]! }] : []))

/** A port that nobody listens on: for an address that has to be registered before anyone does. */
async function freePort(): Promise<number> {
  const server = createServer()
  await startListening(server, 0)
  const { port } = server.address() as AddressInfo
  await closeServer(server)
  return port
}

interface At {
  url: string
  cloud: string | null
  offset: number
}

function oauthServer(options: CloudinaryOptions, clients: readonly TestClient[], at: At, now: () => number) {
  const { accessTokenTtl = 300_000, refreshTokenTtl = 90 * DAY } = options
  const signer = createSigner('ES256')
  const issuer = () => at.url
  const seconds = (time: number) => Math.floor(time / 1000)
  const ledger = createLedger({
    refresh: 'revoke-family',
    accessTokenTtl,
    refreshTokenTtl,
    codeTtl: 60_000,
    now,
    emit: () => undefined,
    accessToken: ({ clientId, scope }, expiresAt) =>
      signer.sign({
        ...{
          iss: `${issuer()}/`,
          sub: USER.sub,
          client_id: clientId,
          scp: scope.split(' '),
          jti: randomUUID(),
        },
        ...{ iat: seconds(now()), exp: seconds(expiresAt) },
        ext: at.cloud === null ? {} : { cloud_name: at.cloud },
      }),
  })
  const base = { ledger, clients, user: USER, issuer, dpop: false } as const
  const authorizing = {
    ...base,
    consent: 'auto',
    sendsIss: false,
    par: false,
    pushed: createPushed(now),
  } as const
  const proofs = createProofs({ dpop: false, demandsNonce: false, issuer, now })
  const issuing = { ...base, signer, devices: undefined, proofs, now, accessTokenTtl }
  const doors = moved([
    ...createAuthorizeRoutes(authorizing),
    ...createTokenRoutes({ ...issuing, refusedRefresh: undefined, revocation: true }),
  ])
  const mangle = (json: Record<string, unknown>) => {
    const { expires_in: _, ...rest } = json
    return options.expiresIn === false ? rest : json
  }
  return { ledger, ...createTestServer({ doors, now, emit: () => undefined, mangle }) }
}

/** Starts a strict stand-in for Cloudinary's authorization server and its API on 127.0.0.1. For tests only. */
export async function startCloudinary(options: CloudinaryOptions = {}): Promise<CloudinaryStandIn> {
  const redirectPort = options.redirectPort ?? (await freePort())
  const client = {
    id: CLIENT_ID,
    redirects: [`http://127.0.0.1:${redirectPort}/callback`],
    ports: [redirectPort],
  }
  const { cloud = 'acme', keys = [KEY], now: real = Date.now } = options
  const at: At = { url: '', cloud, offset: 0 }
  const now = () => real() + at.offset
  const oauth = oauthServer(options, [client], at, now)
  const isHolder = (token: string) => oauth.ledger.holder(token) !== undefined
  const api = createApi({ cloud: () => at.cloud ?? '', keys, isHolder, now })
  await Promise.all([startListening(oauth.server, 0), startListening(api.server, 0)])
  const [oauthUrl, apiUrl] = [oauth.server, api.server].map(
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  ) as [string, string]
  at.url = oauthUrl
  return {
    ...{ oauthUrl, apiUrl, redirectPort, clientId: CLIENT_ID, key: keys[0]!, cloud: cloud ?? '' },
    env: {
      CLOUDINARY_OAUTH_URL: oauthUrl,
      CLOUDINARY_UPLOAD_PREFIX: apiUrl,
      CLOUDINARY_OAUTH_REDIRECT_PORT: String(redirectPort),
    },
    stats: () => ({ ...oauth.ledger.stats(), ...oauth.seen() }),
    seen: api.seen,
    issued: () => [...oauth.ledger.issued(), ...keys.map(({ secret }) => secret)],
    signInTo(name) {
      at.cloud = name
    },
    failNext: oauth.failNext,
    failApi: api.fail,
    expireAccessTokens: () => oauth.ledger.expire('access'),
    killFamilies: oauth.ledger.killAll,
    setClockOffset(milliseconds) {
      at.offset = milliseconds
    },
    close: async () => void (await Promise.all([closeServer(oauth.server), closeServer(api.server)])),
  }
}
