import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Provider from 'oidc-provider'
import type { AccountClaims, ClientMetadata, Configuration } from 'oidc-provider'
import { escapeHtml } from '../../src/core/html.ts'

export interface OidcProviderOptions {
  port?: number
  /** Seconds. Default one hour. */
  accessTokenTtl?: number
  /** False: no client may ask for one. Default true: single-use, and reuse ends the login. */
  refreshTokens?: boolean
  /** False: the discovery documents are 404. Default true. */
  discovery?: boolean
  /** Tokens are bound to a key, and proofs want a nonce (RFC 9449). Default false. */
  dpop?: boolean
  /** Authorization requests must be pushed (RFC 9126). Default false. */
  par?: boolean
  /** The exact loopback redirect. Default `http://127.0.0.1/callback`, any port (RFC 8252 §7.3). */
  redirectUris?: readonly string[]
}

interface OidcProviderStats {
  exchanges: number
  refreshes: number
  /** Refresh tokens refused: spent, expired or unknown. */
  refusals: number
  /** Logins that ended before their time: by reuse or by revocation. */
  deadGrants: number
}

export interface OidcProvider {
  issuer: string
  port: number
  /** A public native client: PKCE, loopback redirect. */
  clientId: string
  /** A public client of the device flow. */
  deviceClientId: string
  stats(): OidcProviderStats
  close(): Promise<void>
}

const HOUR = 3600
const DAY = 86_400
const CLIENT_ID = 'native-cli'
const DEVICE_CLIENT_ID = 'device-cli'
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

function clients({
  refreshTokens = true,
  redirectUris,
  dpop = false,
}: OidcProviderOptions): ClientMetadata[] {
  const refresh = refreshTokens ? ['refresh_token'] : []
  const common = {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    dpop_bound_access_tokens: dpop,
  } as const
  const loopback = {
    redirect_uris: [...(redirectUris ?? ['http://127.0.0.1/callback'])],
    response_types: ['code'],
  }
  return [
    {
      ...common,
      ...loopback,
      response_types: ['code'],
      client_id: CLIENT_ID,
      grant_types: ['authorization_code', ...refresh],
    },
    {
      ...common,
      client_id: DEVICE_CLIENT_ID,
      redirect_uris: [],
      response_types: [],
      grant_types: [DEVICE_GRANT, ...refresh],
    },
  ]
}

function newSigningKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'test' }
}

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`

/** The library's own device pages log a notice each time they are shown first. */
const devicePages = {
  userCodeInputSource: async (context: { body: unknown }, form: string) => {
    context.body = page('Sign-in', `${form}<button type="submit" form="op.deviceInputForm">Continue</button>`)
  },
  userCodeConfirmSource: async (
    context: { body: unknown },
    form: string,
    _: unknown,
    __: unknown,
    code: string,
  ) => {
    const yes = '<button type="submit" form="op.deviceConfirmForm">Continue</button>'
    const no = '<button type="submit" form="op.deviceConfirmForm" value="yes" name="abort">Abort</button>'
    context.body = page(
      'Confirm device',
      `<p>Does your device show <code>${escapeHtml(code)}</code>?</p>${form}${yes}${no}`,
    )
  },
  successSource: async (context: { body: unknown }) => {
    context.body = page('Sign-in Success', '<p>Your device is signed in.</p>')
  },
}

const claimsOf = (login: string): AccountClaims => ({
  sub: login,
  email: `${login}@example.com`,
  email_verified: true,
  name: login,
})

function configuration(options: OidcProviderOptions): Configuration {
  return {
    clients: clients(options),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [newSigningKey()] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    // Not only where `offline_access` was granted: a client that may refresh gets the means to.
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: options.accessTokenTtl ?? HOUR,
      RefreshToken: DAY,
      Grant: DAY,
      Session: DAY,
      Interaction: HOUR,
      IdToken: HOUR,
      DeviceCode: 600,
    },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true, ...devicePages },
      dPoP: { enabled: options.dpop === true, nonceSecret: randomBytes(32), requireNonce: () => true },
      pushedAuthorizationRequests: {
        enabled: options.par === true,
        requirePushedAuthorizationRequests: true,
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_, client, token) => token.clientId === client.clientId,
      },
      userinfo: { enabled: true },
    },
    renderError: (context, out) => {
      context.type = 'html'
      context.body = page('Refused', `<p>${escapeHtml(`${out.error}: ${out.error_description ?? ''}`)}</p>`)
    },
    findAccount: async (_, login) => ({ accountId: login, claims: async () => claimsOf(login) }),
  }
}

/** The library warns of its quick-start parts and of older Nodes; a test wants exactly those parts. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  const kept =
    (say: typeof warn) =>
    (text: unknown, ...rest: unknown[]) => {
      if (!String(text).includes('oidc-provider')) say(text, ...rest)
    }
  console.warn = kept(warn)
  console.info = kept(info)
  try {
    return await work()
  } finally {
    console.warn = warn
    console.info = info
  }
}

function counted(provider: Provider) {
  const stats: OidcProviderStats = { exchanges: 0, refreshes: 0, refusals: 0, deadGrants: 0 }
  const grantOf = (context: { oidc: { params?: unknown } }): unknown =>
    (context.oidc.params as { grant_type?: unknown } | undefined)?.grant_type
  provider.on('grant.success', (context) => {
    stats[grantOf(context) === 'refresh_token' ? 'refreshes' : 'exchanges'] += 1
  })
  provider.on('grant.error', (context) => {
    if (grantOf(context) === 'refresh_token') stats.refusals += 1
  })
  provider.on('grant.revoked', () => {
    stats.deadGrants += 1
  })
  return stats
}

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

const withoutDiscovery =
  (inner: Listener): Listener =>
  (request, response) =>
    request.url?.startsWith('/.well-known/') ? response.writeHead(404).end() : inner(request, response)

function listen(port: number): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Starts the real `oidc-provider` on 127.0.0.1, with its own sign-in pages: any login and password will do. */
export async function startOidcProvider(options: OidcProviderOptions = {}): Promise<OidcProvider> {
  const server = await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const provider = await quietly(async () => {
    const { default: create } = await import('oidc-provider')
    return new create(issuer, configuration(options))
  })
  const stats = counted(provider)
  const inner: Listener = provider.callback()
  server.on('request', options.discovery === false ? withoutDiscovery(inner) : inner)
  return {
    issuer,
    port,
    clientId: CLIENT_ID,
    deviceClientId: DEVICE_CLIENT_ID,
    stats: () => ({ ...stats }),
    close: () => close(server),
  }
}
