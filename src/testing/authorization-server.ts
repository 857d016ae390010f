import type { AddressInfo } from 'node:net'
import { createAuthorizeRoutes } from './authorize.ts'
import { createDeviceRoutes, createDevices } from './device.ts'
import { createDiscoveryRoutes } from './discovery.ts'
import { createProofs } from './dpop.ts'
import { createLedger } from './ledger.ts'
import type { Route } from './message.ts'
import { applyOffSpec } from './off-spec.ts'
import type {
  AuthorizationServerOptions,
  DeviceOptions,
  Endpoint,
  Fault,
  ServerEvent,
  Stats,
  TestClient,
  TestUser,
} from './options.ts'
import { createParRoutes, createPushed } from './par.ts'
import { createResourceRoutes } from './resource.ts'
import { closeServer, createTestServer, startListening } from './serve.ts'
import { createSigner } from './sign.ts'
import { createTokenRoutes } from './token.ts'

export interface AuthorizationServer {
  /** `http://127.0.0.1:<port>`. */
  issuer: string
  port: number
  /** The endpoints of discovery, also for a server without discovery documents. */
  endpoints: Record<
    'authorization' | 'par' | 'token' | 'revocation' | 'device' | 'userinfo' | 'resource',
    string
  >
  /** The id of the first client. */
  clientId: string
  stats(): Stats
  /** Returns every secret that was issued, and the personal tokens. None may appear in clear text on disk. */
  issued(): string[]
  /** Calls `listener` for every event. The returned function stops that. */
  on(listener: (event: ServerEvent) => void): () => void
  /** Plans a fault. Faults apply in order, at most one to a request. */
  failNext(fault: Fault): void
  /** Decides on a device: the one with that code, or the newest. Returns false where there is none. */
  decideDevice(decision: 'approve' | 'deny', userCode?: string): boolean
  /** Refuses every access token issued so far. */
  expireAccessTokens(): void
  /** Refuses every refresh token issued so far. */
  expireRefreshTokens(): void
  /** Ends every login, as an administrator would. */
  killFamilies(): void
  /** Creates a new nonce for DPoP proofs. The previous one stays valid, older ones are refused. */
  rotateDpopNonce(): void
  /** Sets by how many milliseconds the server's clock is ahead. */
  setClockOffset(milliseconds: number): void
  close(): Promise<void>
}

const CLIENT: TestClient = {
  id: 'test-cli',
  redirects: ['http://127.0.0.1/callback', 'http://localhost/callback'],
}

const USER: TestUser = { sub: 'user-1', login: 'ada', email: 'ada@example.com', name: 'Ada Lovelace' }

const DEVICE: Required<DeviceOptions> = { interval: 1, expiresIn: 600, script: [], strictInterval: true }

/** Builds the endpoints and their state. */
function buildServer(
  options: AuthorizationServerOptions,
  issuer: () => string,
  emit: (event: ServerEvent) => void,
) {
  const clients = options.clients ?? [CLIENT]
  const user = { ...USER, ...options.user }
  const { refresh = 'revoke-family', accessTokenTtl = 3_600_000, revocation = true, device = true } = options
  const { par = false, parTtl = 60_000, dpop = false, dpopNonce: demandsNonce = false } = options
  const { now: real = Date.now } = options
  const { consent = 'auto', iss: sendsIss = true, refusedRefresh, personalTokens = [] } = options
  const lifetimes = { accessTokenTtl, refreshTokenTtl: options.refreshTokenTtl ?? Number.POSITIVE_INFINITY }
  const ledger = createLedger({ refresh, ...lifetimes, codeTtl: options.codeTtl ?? 60_000, now: real, emit })
  const signer = createSigner(options.signing ?? 'ES256')
  const clock = { offset: options.clockOffset ?? 0 }
  const now = (): number => real() + clock.offset
  const base = { ledger, clients, user, issuer, consent, dpop }
  const deviceSetting = {
    ...base,
    now: real,
    device: { ...DEVICE, ...(typeof device === 'object' ? device : {}) },
  }
  const devices = device === false ? undefined : createDevices(deviceSetting)
  const pushed = createPushed(real)
  const proofs = createProofs({ dpop, demandsNonce, issuer, now })
  const offers = { device: device !== false, refresh: refresh !== 'none', revocation: revocation !== false }
  for (const token of personalTokens) ledger.remember(token)
  const proving: Route[] = [
    ...(par === false ? [] : createParRoutes({ clients, pushed, proofs, parTtl })),
    ...createTokenRoutes({
      ...base,
      signer,
      devices,
      proofs,
      now,
      accessTokenTtl,
      refusedRefresh,
      revocation,
    }),
    ...createResourceRoutes({ ...base, proofs, personalTokens: new Set(personalTokens) }),
  ]
  const doors: Route[] = [
    ...createDiscoveryRoutes({
      issuer,
      signer,
      discovery: options.discovery ?? true,
      sendsIss,
      par,
      dpop,
      ...offers,
    }),
    ...createAuthorizeRoutes({ ...base, sendsIss, par, pushed }),
    ...proofs.announced(proving),
    ...(devices === undefined ? [] : createDeviceRoutes(deviceSetting, devices)),
  ]
  return { doors, ledger, devices, proofs, clock, now, clientId: clients[0]?.id ?? '' }
}

const listEndpoints = (issuer: string): AuthorizationServer['endpoints'] => ({
  authorization: `${issuer}/authorize`,
  par: `${issuer}/par`,
  token: `${issuer}/token`,
  revocation: `${issuer}/revoke`,
  device: `${issuer}/device_authorization`,
  userinfo: `${issuer}/userinfo`,
  resource: `${issuer}/me`,
})

function createMangler({ offSpec, mangle }: AuthorizationServerOptions) {
  return (json: Record<string, unknown>, endpoint: Endpoint): Record<string, unknown> => {
    const changed = applyOffSpec(json, offSpec)
    return mangle?.(changed, endpoint) ?? changed
  }
}

/** Starts a strict OAuth 2.0 / OpenID Connect server on 127.0.0.1 that fails on request. Only for tests. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const listeners = new Set<(event: ServerEvent) => void>()
  const emit = (event: ServerEvent): void => {
    for (const listener of listeners) listener(event)
  }
  const at = { issuer: '' }
  const { doors, ledger, devices, proofs, clock, now, clientId } = buildServer(options, () => at.issuer, emit)
  const { server, failNext, seen } = createTestServer({ doors, now, emit, mangle: createMangler(options) })
  await startListening(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  at.issuer = `http://127.0.0.1:${port}`
  return {
    issuer: at.issuer,
    port,
    endpoints: listEndpoints(at.issuer),
    clientId,
    stats: () => ({ ...ledger.stats(), ...seen() }),
    issued: ledger.issued,
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    failNext,
    decideDevice: (decision, userCode) => devices?.decide(decision, userCode) ?? false,
    expireAccessTokens: () => ledger.expire('access'),
    expireRefreshTokens: () => ledger.expire('refresh'),
    killFamilies: ledger.killAll,
    rotateDpopNonce: proofs.rotate,
    setClockOffset(milliseconds) {
      clock.offset = milliseconds
    },
    close: () => closeServer(server),
  }
}
