/** The schema of `config.yaml`. Editors show the descriptions. */
import * as v from 'valibot'
import { STORE_NAMES, type StoreName } from '../core/stores.ts'
import { isAccountId, isMfaDevice, isPrincipalArn, isRoleArn } from './arns.ts'
import { ENDPOINTS, type EndpointSpelling } from './endpoints.ts'
import type { Text } from './env-tag.ts'
import * as f from './fields.ts'

const optional = v.exactOptional

type Endpoints = Partial<Record<EndpointSpelling, Text>>

/** The OAuth client settings of an identity and of a configured provider. */
interface Client {
  issuer?: Text
  client_id?: Text
  client_secret?: Text
  scopes?: Text[]
  hosts?: Text[]
  endpoints?: Endpoints
  paste_redirect_uri?: Text
  dpop_bound_access_tokens?: boolean
  require_pushed_authorization_requests?: boolean
  kube_token?: 'id_token' | 'access_token'
}

interface Credentials {
  region?: Text
  access_key_id?: Text
  secret_access_key?: Text
  security_token?: Text
  mfa_arn?: Text
  webflow_enabled?: boolean
}

interface Principal {
  role_arn?: Text
  assume_role?: Text
  session_name?: Text
  external_id?: Text
  source_identity?: Text
  tags?: Record<string, Text>
  duration?: Text
}

/** An identity of `config.yaml`. The schema below describes each key. */
export interface Identity extends Client {
  kind: string
  provider?: string
  default?: boolean
  credentials?: Credentials
  session?: { duration?: Text }
  principal_arn?: Text
  account_id?: Text
  via?: { identity?: string; provider?: string }
  principal?: Principal
  region?: Text
  site?: 'cn' | 'intl'
  api_url?: Text
  tenant?: Text
  cloud_name?: Text
}

export interface Provider extends Client {
  title?: Text
  redirect?: { host?: '127.0.0.1' | 'localhost'; ports?: number[]; path?: string }
  env?: string
  methods?: ('browser' | 'paste' | 'device' | 'token')[]
}

interface Keyring {
  type?: StoreName
}

/**
 * `config.yaml`. The type is not inferred from the schema, so the library's types do not depend on valibot;
 * the schema is checked against it.
 */
export interface Config {
  auth?: {
    identities?: Record<string, Identity>
    providers?: Record<string, Provider>
    keyring?: Keyring
  }
  default?: string
}

const defineEndpoint = (called: string) =>
  optional(f.defineUrl(`URL of the ${called.replaceAll('_', ' ')}`, 'query'))

const endpoints = f.defineBlock<Endpoints>(
  "Overrides what the provider's file says. Plain http for loopback hosts only.",
  Object.fromEntries(
    Object.keys(ENDPOINTS).map((called) => [called, defineEndpoint(called)]),
  ) as f.Entries<Endpoints>,
)

const client: f.Entries<Client> = {
  issuer: optional(
    f.defineUrl('The issuer of an OAuth 2.0 or OpenID Connect server; discovery is read from it'),
  ),
  client_id: optional(f.defineText('The OAuth client to log in as')),
  client_secret: optional(f.defineText('Where a server insists; better !env NAME than the secret itself')),
  scopes: optional(f.defineSpacedList('Scopes to ask for: a list, or one text with spaces')),
  hosts: optional(
    f.defineList(
      'The only hosts that fetch, git, docker and the proxy give the token to',
      f.defineHost('A host'),
    ),
  ),
  endpoints: optional(endpoints),
  paste_redirect_uri: optional(
    f.definePasteRedirect(
      'Registered for logins by paste: urn:ietf:wg:oauth:2.0:oob, or a page that shows the code',
    ),
  ),
  dpop_bound_access_tokens: optional(
    f.defineFlag('true: tokens are bound to a key of the login (RFC 9449, DPoP)'),
  ),
  require_pushed_authorization_requests: optional(
    f.defineFlag(
      'true: the login is announced to the server first (RFC 9126), even where it is not required',
    ),
  ),
  kube_token: optional(f.defineChoice('Which token kubectl is given', ['id_token', 'access_token'])),
}

const ROLE = f.defineRule(isRoleArn, 'the ARN of a role like arn:aws:iam::123456789012:role/Admin')
const DEVICE = f.defineRule(isMfaDevice, 'the ARN of a device like arn:aws:iam::123456789012:mfa/me')
const PRINCIPAL = f.defineRule(isPrincipalArn, 'an ARN like arn:aws:iam::123456789012:user/me')
const ACCOUNT = f.defineRule(isAccountId, 'an account number like 123456789012')

/** The tenant becomes a header or part of an address. */
const SLUG = f.defineRule((given) => /^[\w.-]{1,64}$/.test(given), 'a tenant like acme')

const credentials = f.defineBlock<Credentials>('Static keys, and what concerns signing in to a cloud', {
  region: optional(f.defineRegion('The region to sign in to')),
  access_key_id: optional(f.defineText('A static access key; needs secret_access_key')),
  secret_access_key: optional(f.defineText('Its secret; better !env NAME than the secret itself')),
  security_token: optional(f.defineText('The session token of temporary keys')),
  mfa_arn: optional(f.defineText('The MFA device to ask a code of', DEVICE)),
  webflow_enabled: optional(f.defineFlag('false: never log in by browser for this identity')),
})

const principal = f.defineBlock<Principal>('The role to take on', {
  role_arn: optional(f.defineText('ARN of the role', ROLE)),
  assume_role: optional(f.defineText('The same as role_arn, in the older spelling of Atmos', ROLE)),
  session_name: optional(f.defineText('Name of the session, as the cloud records it')),
  external_id: optional(f.defineText('External id that the role asks for')),
  source_identity: optional(f.defineText('Source identity that the role asks for')),
  tags: optional(f.defineTextRecord('Session tags', 'Value of the tag')),
  duration: optional(f.defineDuration('How long the role is taken for: 1h')),
})

export const kind = f.defineWord(
  'What it is: aws/user, aws/assume-role, alibaba/user, passport/user, <provider>/user',
)

export const identitySchema = f.defineBlock<Identity>('An identity: who you are', {
  kind,
  provider: optional(f.defineName('The provider; said by kind already')),
  default: optional(f.defineFlag('true: the default identity, unless default: below says another')),
  credentials: optional(credentials),
  session: optional(
    f.defineBlock('The session that a login starts', { duration: optional(f.defineDuration('At most 12h')) }),
  ),
  principal_arn: optional(f.defineText('Who must have signed in; someone else is refused', PRINCIPAL)),
  account_id: optional(f.defineText('The account that must have been signed in to', ACCOUNT)),
  via: optional(
    f.defineBlock('The parent of a derived identity', {
      identity: optional(f.defineName('An identity')),
      provider: optional(f.defineName('A provider')),
    }),
  ),
  principal: optional(principal),
  region: optional(f.defineRegion('The region to work in')),
  site: optional(f.defineChoice('Alibaba Cloud: China or international', ['cn', 'intl'])),
  api_url: optional(f.defineUrl('The API of a passport identity')),
  tenant: optional(f.defineText('The tenant of a passport identity', SLUG)),
  cloud_name: optional(f.defineText('Cloudinary: the cloud to log in to; another one is refused')),
  ...client,
})

export const providerSchema = f.defineBlock<Provider>('A provider of your own: issuer, or endpoints', {
  title: optional(f.defineText('What it is called')),
  redirect: optional(
    f.defineBlock('The redirect URI that is registered for the client', {
      host: optional(f.defineChoice('As registered', ['127.0.0.1', 'localhost'])),
      ports: optional(f.defineList('Ports to try, in this order', f.port)),
      path: optional(f.defineWord('As registered: /callback', f.defineRule(isPath, 'a path like /callback'))),
    }),
  ),
  env: optional(f.defineVariable('The environment variable that carries a token of this provider')),
  methods: optional(
    f.defineList('Ways to log in', f.defineChoice('A way', ['browser', 'paste', 'device', 'token'])),
  ),
  ...client,
})

export const configSchema = f.defineBlock<Config>('Configuration of daypass', {
  auth: optional(
    f.defineBlock('Identities, providers, keyring; the block of Atmos', {
      identities: optional(f.defineRecord('Identities by name', identitySchema)),
      providers: optional(f.defineRecord('Providers of your own by name', providerSchema)),
      keyring: optional(
        f.defineBlock<Keyring>('Where the key of the vault lies', {
          type: optional(f.defineChoice('system is keychain', Object.keys(STORE_NAMES) as StoreName[])),
        }),
      ),
    }),
  ),
  default: optional(f.defineName('The identity to use when none is named')),
})

function isPath(given: string): boolean {
  return /^\/[A-Za-z0-9._~/%-]*$/.test(given)
}

/** Blocks that may be empty, because all their lines may be commented out. */
export const BLOCKS: ReadonlySet<string> = new Set(
  'auth identities providers keyring credentials session via principal tags redirect endpoints'.split(' '),
)
