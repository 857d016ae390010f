/** What `config.yaml` may say. The descriptions are what an editor shows. */
import * as v from 'valibot'
import { STORE_NAMES, type StoreName } from '../core/stores.ts'
import { isAccountId, isMfaDevice, isPrincipalArn, isRoleArn } from './arns.ts'
import { ENDPOINTS, type EndpointSpelling } from './endpoints.ts'
import type { Text } from './env-tag.ts'
import * as f from './fields.ts'

const maybe = v.exactOptional

type Endpoints = Partial<Record<EndpointSpelling, Text>>

/** What an identity and a provider of one's own both may say about an OAuth client. */
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

/** An identity of `config.yaml`. What each key means is said below. */
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

/** A provider of `config.yaml`. */
export interface Provider extends Client {
  title?: Text
  redirect?: { host?: '127.0.0.1' | 'localhost'; ports?: number[]; path?: string }
  env?: string
  methods?: ('browser' | 'paste' | 'device' | 'token')[]
}

interface Keyring {
  type?: StoreName
}

/** `config.yaml`. Not inferred from the schema below, which is held to it: the library's types are free of valibot. */
export interface Config {
  auth?: {
    identities?: Record<string, Identity>
    providers?: Record<string, Provider>
    keyring?: Keyring
  }
  default?: string
}

const endpoint = (called: string) => maybe(f.url(`URL of the ${called.replaceAll('_', ' ')}`, 'query'))

const endpoints = f.block<Endpoints>(
  "Overrides what the provider's file says. Plain http for loopback hosts only.",
  Object.fromEntries(
    Object.keys(ENDPOINTS).map((called) => [called, endpoint(called)]),
  ) as f.Entries<Endpoints>,
)

const client: f.Entries<Client> = {
  issuer: maybe(f.url('The issuer of an OAuth 2.0 or OpenID Connect server; discovery is read from it')),
  client_id: maybe(f.text('The OAuth client to log in as')),
  client_secret: maybe(f.text('Where a server insists; better !env NAME than the secret itself')),
  scopes: maybe(f.spaced('Scopes to ask for: a list, or one text with spaces')),
  hosts: maybe(
    f.list('The only hosts that fetch, git, docker and the proxy give the token to', f.host('A host')),
  ),
  endpoints: maybe(endpoints),
  paste_redirect_uri: maybe(
    f.pasteRedirect(
      'Registered for logins by paste: urn:ietf:wg:oauth:2.0:oob, or a page that shows the code',
    ),
  ),
  dpop_bound_access_tokens: maybe(f.flag('true: tokens are bound to a key of the login (RFC 9449, DPoP)')),
  require_pushed_authorization_requests: maybe(
    f.flag('true: the login is announced to the server first (RFC 9126), even where it is not required'),
  ),
  kube_token: maybe(f.oneOf('Which token kubectl is given', ['id_token', 'access_token'])),
}

const ROLE = f.rule(isRoleArn, 'the ARN of a role like arn:aws:iam::123456789012:role/Admin')
const DEVICE = f.rule(isMfaDevice, 'the ARN of a device like arn:aws:iam::123456789012:mfa/me')
const PRINCIPAL = f.rule(isPrincipalArn, 'an ARN like arn:aws:iam::123456789012:user/me')
const ACCOUNT = f.rule(isAccountId, 'an account number like 123456789012')

/** It becomes a header, or part of an address. */
const SLUG = f.rule((given) => /^[\w.-]{1,64}$/.test(given), 'a tenant like acme')

const credentials = f.block<Credentials>('Static keys, and what concerns signing in to a cloud', {
  region: maybe(f.region('The region to sign in to')),
  access_key_id: maybe(f.text('A static access key; needs secret_access_key')),
  secret_access_key: maybe(f.text('Its secret; better !env NAME than the secret itself')),
  security_token: maybe(f.text('The session token of temporary keys')),
  mfa_arn: maybe(f.text('The MFA device to ask a code of', DEVICE)),
  webflow_enabled: maybe(f.flag('false: never log in by browser for this identity')),
})

const principal = f.block<Principal>('The role to take on', {
  role_arn: maybe(f.text('ARN of the role', ROLE)),
  assume_role: maybe(f.text('The same as role_arn, in the older spelling of Atmos', ROLE)),
  session_name: maybe(f.text('Name of the session, as the cloud records it')),
  external_id: maybe(f.text('External id that the role asks for')),
  source_identity: maybe(f.text('Source identity that the role asks for')),
  tags: maybe(f.texts('Session tags', 'Value of the tag')),
  duration: maybe(f.duration('How long the role is taken for: 1h')),
})

export const kind = f.word(
  'What it is: aws/user, aws/assume-role, alibaba/user, passport/user, <provider>/user',
)

export const identitySchema = f.block<Identity>('An identity: who you are', {
  kind,
  provider: maybe(f.name('The provider; said by kind already')),
  default: maybe(f.flag('true: the default identity, unless default: below says another')),
  credentials: maybe(credentials),
  session: maybe(f.block('The session that a login starts', { duration: maybe(f.duration('At most 12h')) })),
  principal_arn: maybe(f.text('Who must have signed in; someone else is refused', PRINCIPAL)),
  account_id: maybe(f.text('The account that must have been signed in to', ACCOUNT)),
  via: maybe(
    f.block('The parent of a derived identity', {
      identity: maybe(f.name('An identity')),
      provider: maybe(f.name('A provider')),
    }),
  ),
  principal: maybe(principal),
  region: maybe(f.region('The region to work in')),
  site: maybe(f.oneOf('Alibaba Cloud: China or international', ['cn', 'intl'])),
  api_url: maybe(f.url('The API of a passport identity')),
  tenant: maybe(f.text('The tenant of a passport identity', SLUG)),
  cloud_name: maybe(f.text('Cloudinary: the cloud to log in to; another one is refused')),
  ...client,
})

export const providerSchema = f.block<Provider>('A provider of your own: issuer, or endpoints', {
  title: maybe(f.text('What it is called')),
  redirect: maybe(
    f.block('The redirect URI that is registered for the client', {
      host: maybe(f.oneOf('As registered', ['127.0.0.1', 'localhost'])),
      ports: maybe(f.list('Ports to try, in this order', f.port)),
      path: maybe(f.word('As registered: /callback', f.rule(isPath, 'a path like /callback'))),
    }),
  ),
  env: maybe(f.variable('The environment variable that carries a token of this provider')),
  methods: maybe(f.list('Ways to log in', f.oneOf('A way', ['browser', 'paste', 'device', 'token']))),
  ...client,
})

export const configSchema = f.block<Config>('Configuration of daypass', {
  auth: maybe(
    f.block('Identities, providers, keyring; the block of Atmos', {
      identities: maybe(f.named('Identities by name', identitySchema)),
      providers: maybe(f.named('Providers of your own by name', providerSchema)),
      keyring: maybe(
        f.block<Keyring>('Where the key of the vault lies', {
          type: maybe(f.oneOf('system is keychain', Object.keys(STORE_NAMES) as StoreName[])),
        }),
      ),
    }),
  ),
  default: maybe(f.name('The identity to use when none is named')),
})

function isPath(given: string): boolean {
  return /^\/[A-Za-z0-9._~/%-]*$/.test(given)
}

/** Blocks that may stand empty, all their lines being commented out. */
export const BLOCKS: ReadonlySet<string> = new Set(
  'auth identities providers keyring credentials session via principal tags redirect endpoints'.split(' '),
)
