import type { LocalizedText } from '../core/localized-text.ts'
import type {
  Account,
  Endpoints,
  ErrorMessage,
  Exchange,
  KeysCredential,
  Method,
  WireFormat,
} from '../core/types.ts'
import type { Variables } from './env-variables.ts'
import { type Claims, parseOpenidAccount } from './openid-account.ts'
import type { Param, Values } from './param.ts'

/** A service that a person can log in to. It is data: only what differs between services. */
export interface Provider<Params extends Record<string, Param> = Record<string, Param>> {
  id: string
  /** The display name: `GitHub`. */
  title: string
  /** The usual kind of its identities: `github/user`. */
  kind: string
  /** Its other kinds of identities, with their differences. The registry lists all kinds. */
  kinds?: Readonly<Record<string, Kind>>
  methods: readonly Method[]
  params: Params
  /**
   * Returns the name of an unnamed identity. Called with the parameters before the login, and again when the
   * account is known. Default: the provider's id.
   */
  nameFor?: (params: Values<Params>, account?: Account) => string | undefined
  endpoints: ServerEndpoints<Params>
  client: OAuthClient<Params>
  authorization: Authorization
  account: AccountRules<Params>
  tokens: Tokens<Params>
  api: Api<Params>
  environment: Environment
  helpers: OtherPrograms<Params>
  prompts: Prompts<Params>
  /** Present where `methods` has `keys`. */
  keys?: AccessKeys
}

/** The differences of a kind of identity. */
interface Kind {
  /** The login methods, where they are fewer than the provider's. */
  methods?: readonly Method[]
  /** The credential is made from another identity's credential. */
  derived?: boolean
}

interface ServerEndpoints<Params extends Record<string, Param>> {
  /** The issuer whose metadata is read (OpenID Connect Discovery, RFC 8414), unless `urls` are given. */
  issuer?: (params: Values<Params>) => string | undefined
  /** `given`: endpoints of the configuration and the environment, which win. */
  urls?: (params: Values<Params>, given: Endpoints) => Endpoints
  /** The flags that name the server, as typed. Default: `--issuer https://…`. */
  usage?: string
  /** Returns one name for hosts that are the same server for a grant, such as the regions of a cloud. */
  canonicalHost?: (host: string) => string
}

interface OAuthClient<Params extends Record<string, Param>> {
  /** A public client that anyone may use. */
  id?: string | ((params: Values<Params>) => string)
  /** Environment variables, in addition to `DAYPASS_<PROVIDER>_CLIENT_ID`. */
  env?: readonly string[]
  /** How to register a client, one step per line. */
  register: readonly string[]
  auth?: 'post' | 'basic'
}

/** The authorization request (RFC 6749 §4.1.1). */
interface Authorization {
  scopes: readonly string[]
  /** Environment variables that give the scopes, separated by spaces. */
  scopesEnv?: readonly string[]
  redirect: Redirect
  /**
   * Environment variables for host and port of the redirect URI, for clients registered with other values.
   */
  redirectEnv?: { host: readonly string[]; port: readonly string[] }
  /** For a browser on another machine: a page that shows the code, and its client where that differs. */
  crossDevice?: { clientId?: string; redirectUri: (endpoints: Endpoints) => string }
  /** Additional parameters of the request. */
  extra?: (scopes: readonly string[]) => Record<string, string>
  /** Tokens are bound to a key of the login (RFC 9449). */
  dpop?: boolean
}

export interface Redirect {
  host: '127.0.0.1' | 'localhost'
  /** Tried in order; `[0]` means any free port (RFC 8252 §7.3). */
  ports: readonly number[]
  path: string
}

/** The account of a login, and whether it may be stored. */
interface AccountRules<Params extends Record<string, Param>> {
  /** Reads the account from id_token claims or a profile. */
  read: (claims: Claims) => Account
  /**
   * Where a profile is read: checks a personal access token, completes an id_token. `endpoints.userinfo` of the
   * configuration wins over it. Of the server that issues the tokens, which `endpoints` may say. Default: userinfo.
   */
  profile?: (
    params: Values<Params>,
    endpoints: Endpoints,
  ) => { url: string; headers?: Record<string, string> }
  /** A URL that answers any bearer token or keys (as Basic, RFC 7617) with access to the account. */
  ping?: (account: string, endpoints: Endpoints) => string
  /** Returns why this account may not be stored under this definition; undefined where it may. */
  verify?: (kind: string, params: Values<Params>, account: Account) => string | undefined
  /** Returns a warning about a login as this account. */
  warn?: (account: Account) => LocalizedText | undefined
  /** The error of a login without an account, which is not stored. Absent: it is stored. */
  required?: string
}

interface Tokens<Params extends Record<string, Param>> {
  /**
   * Access tokens are JWTs: their claims give the account, and the expiry where the response has none. The
   * API checks their signature.
   */
  jwt?: boolean
  /** How the syntax of its requests and responses differs from the RFCs. */
  wire?: WireFormat
  /** Access tokens are exchanged for keys, which are used instead. */
  exchange?: Exchange
  /** Returns the issuer in its id_tokens, where that depends on the token (multi-tenant servers). */
  idTokenIssuer?: (claims: Claims) => string
  refresh: {
    /** Milliseconds. A credential with less time left is renewed. */
    margin: number
    /** Error codes for a grant that has ended; `401 invalid_request` counts with that status only. */
    dead: readonly string[]
    /** Ambiguous error codes: a login is needed, but the grant is not marked as ended. */
    unclear?: readonly string[]
    /** The maximum duration of a login with all its renewals, in milliseconds. `duration` shortens it. */
    session?: number
  }
  /** Revoking one token ends the user's whole grant to the client, including later logins. */
  revocationEndsGrant?: boolean
  /** Messages for the error codes of its token endpoint and its exchange. */
  errorMessages?: ErrorMessages | ((params: Values<Params>) => ErrorMessages)
}

type ErrorMessages = Readonly<Record<string, ErrorMessage<LocalizedText>>>

/** The API that its tokens are for. */
interface Api<Params extends Record<string, Param>> {
  /** Headers of every request in addition to the token; names in lower case. */
  headers?: (params: Values<Params>) => Record<string, string>
  /** Parses the response of the endpoint `tenants`. A bare list is passed as `{ data: list }`. */
  tenants?: (answer: Record<string, unknown>) => readonly Tenant[]
}

/** One of several units that a person may work in: a shop, an organisation. */
export interface Tenant {
  slug: string
  name?: string
}

/** Environment variables that daypass reads, and those that it sets for other programs. */
interface Environment {
  /** Variables with a bearer token, used unchanged. Their names end with `_TOKEN`. */
  token: readonly string[]
  /** Variables with a whole credential in one text. */
  credentialUrl?: {
    env: readonly string[]
    example: string
    read: (text: string) => CredentialUrl | undefined
  }
  /** Variables with an endpoint. They win over `endpoints.urls`. */
  endpoints?: Partial<Record<keyof Endpoints, readonly string[]>>
  /** Of those variables, the ones that are about more than the sign-in: what is kept is used in spite of them. */
  atLogin?: readonly string[]
  /** Variables that pass a credential to another program. */
  export?: Variables
}

/** A credential in one text: a token, or a pair of keys. */
export interface CredentialUrl {
  token?: string
  keys?: { id: string; secret: string }
  account: string
  endpoints?: Endpoints
}

/** How other programs use its credentials. */
interface OtherPrograms<Params extends Record<string, Param>> {
  /** git over HTTPS. Default user: `oauth2`, or none where the server requires a bearer token. */
  git?: TokenAsPassword
  /** Registries of container images. Default user: the account's name. */
  docker?: TokenAsPassword
  /** Returns the host of the web console; `endpoints.federation` signs in there. */
  console?: (params: Values<Params>) => string
  /**
   * The endpoint that a local address can replace: a program that gets this address and a local bearer sends
   * its requests through `exec --endpoint`.
   */
  proxyEndpoint?: keyof Endpoints
}

/** For programs with user and password: the token is the password. */
interface TokenAsPassword {
  /** Returns the hosts, as in a URL. Default: those of its API and its server. */
  hosts?: (endpoints: Endpoints) => readonly string[]
  /** The user name. */
  user?: string
}

/** Questions and messages for a person. */
interface Prompts<Params extends Record<string, Param>> {
  /** Offered on a terminal before a login without a method, best first. */
  loginChoices?: { ask: LocalizedText; options: readonly LoginChoice[] }
  /**
   * For the public client: why the page may refuse to redirect. `waiting` is shown during the login, `late`
   * after the timeout.
   */
  accessHelp?: (params: Values<Params>) => { waiting: LocalizedText; late: LocalizedText }
}

interface LoginChoice {
  label: LocalizedText
  hint?: LocalizedText
  method: Method
  /** For the method `keys`. */
  form?: KeysForm
}

/** Which keys a person supplies: `session` are temporary ones, `role` are those that assume a role. */
export type KeysForm = 'plain' | 'session' | 'role'

interface AccessKeys {
  /** The cloud of the keys. */
  cloud: KeysCredential['cloud']
  /** The kind of a role that is assumed with its own keys. */
  role?: string
  /** Questions for the keys that differ from the usual ones. */
  questions?: Partial<Record<KeysField, LocalizedText>>
}

/** The parts of keys, and what may come with them. */
export type KeysField =
  | 'accessKeyId'
  | 'secretAccessKey'
  | 'sessionToken'
  | 'expiration'
  | 'roleArn'
  | 'sessionName'
  | 'externalId'

const MINUTE = 60_000

type Required = 'id' | 'title' | 'client' | 'methods'
type Group =
  | 'endpoints'
  | 'authorization'
  | 'account'
  | 'tokens'
  | 'api'
  | 'environment'
  | 'helpers'
  | 'prompts'
type Definition<P extends Record<string, Param>> = Pick<Provider<P>, Required> &
  Partial<Omit<Provider<P>, Required | Group>> & { [G in Group]?: Partial<Provider<P>[G]> }

/** Completes a provider's definition with the defaults of most servers. */
export function defineProvider<const P extends Record<string, Param> = Record<never, Param>>(
  definition: Definition<P>,
): Provider {
  const complete: Provider<P> = {
    kind: `${definition.id}/user`,
    params: {} as P,
    ...definition,
    endpoints: { ...definition.endpoints },
    authorization: {
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      redirect: { host: '127.0.0.1', ports: [0], path: '/callback' },
      ...definition.authorization,
    },
    account: { read: parseOpenidAccount, ...definition.account },
    tokens: { refresh: { margin: MINUTE, dead: ['invalid_grant'] }, ...definition.tokens },
    api: { ...definition.api },
    environment: { token: [], ...definition.environment },
    helpers: { ...definition.helpers },
    prompts: { ...definition.prompts },
  }
  return complete as unknown as Provider
}
