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

/** A service that can log someone in. Data: what differs between services, and nothing that they share. */
export interface Provider<Params extends Record<string, Param> = Record<string, Param>> {
  id: string
  /** As a person knows it: `GitHub`. */
  title: string
  /** The kind of its identities: `github/user`. */
  kind: string
  /** The other kinds of its identities, and what differs. The registry lists them all. */
  kinds?: Readonly<Record<string, Kind>>
  /** The login methods, best first. */
  methods: readonly Method[]
  params: Params
  /**
   * The name of an identity where none is given: asked with its parameters before the login, and once more when the
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

/** What is particular about a kind of identity. */
interface Kind {
  /** The login methods, where they are fewer than the provider's. */
  methods?: readonly Method[]
  /** Made from another identity's credential. */
  derived?: boolean
}

interface ServerEndpoints<Params extends Record<string, Param>> {
  /** Its metadata is read from here (OpenID Connect Discovery, RFC 8414), unless `urls` are given. */
  issuer?: (params: Values<Params>) => string | undefined
  /** `given`: the endpoints of the configuration and of the environment, which win. */
  urls?: (params: Values<Params>, given: Endpoints) => Endpoints
  /** The flags that name the server, as they are typed. Default: `--issuer https://…`. */
  usage?: string
  /** One name for hosts that are the same server to a grant: the regions of a cloud. */
  canonicalHost?: (host: string) => string
}

interface OAuthClient<Params extends Record<string, Param>> {
  /** A public client that anyone may use. */
  id?: string | ((params: Values<Params>) => string)
  /** Names of environment variables, in addition to `DAYPASS_<PROVIDER>_CLIENT_ID`. */
  env?: readonly string[]
  /** How to register one, a step a line. */
  register: readonly string[]
  auth?: 'post' | 'basic'
}

/** The authorization request (RFC 6749 §4.1.1). */
interface Authorization {
  scopes: readonly string[]
  /** Environment variables that give the scopes, separated by spaces. */
  scopesEnv?: readonly string[]
  redirect: Redirect
  /** Environment variables that give host and port of the redirect URI, for a client that was registered otherwise. */
  redirectEnv?: { host: readonly string[]; port: readonly string[] }
  /** For a browser on another machine: a page that shows the code instead of a loopback, and another client, if any. */
  crossDevice?: { clientId?: string; redirectUri: (endpoints: Endpoints) => string }
  /** Further parameters of the request. */
  extra?: (scopes: readonly string[]) => Record<string, string>
  /** Its tokens are bound to a key of the login (RFC 9449). */
  dpop?: boolean
}

export interface Redirect {
  host: '127.0.0.1' | 'localhost'
  /** Tried in order; `[0]` is any free port (RFC 8252 §7.3). */
  ports: readonly number[]
  path: string
}

/** Whose login it is, and whether it may be kept. */
interface AccountRules<Params extends Record<string, Param>> {
  /** From the id_token's claims or the profile. */
  read: (claims: Claims) => Account
  /**
   * Where a bearer's profile is read: checks a personal access token, completes an id_token. `endpoints.userinfo` of the
   * configuration wins over it. Of the server that issues the tokens, which `endpoints` may say. Default: userinfo.
   */
  profile?: (
    params: Values<Params>,
    endpoints: Endpoints,
  ) => { url: string; headers?: Record<string, string> }
  /** A URL that answers any bearer token or keys (as Basic authentication, RFC 7617) that may use the account. */
  ping?: (account: string, endpoints: Endpoints) => string
  /** The reason why this account may not be kept under this definition. Returns undefined where it may. */
  verify?: (kind: string, params: Values<Params>, account: Account) => string | undefined
  /** What a person should know about having logged in as this account. */
  warn?: (account: Account) => LocalizedText | undefined
  /** The error of a login that has no account: nothing of it is kept. Absent: it is kept. */
  required?: string
}

interface Tokens<Params extends Record<string, Param>> {
  /**
   * Its access tokens are JWTs: their claims give the account, and the expiry where the answer does not. Their signature
   * is for the API to check.
   */
  jwt?: boolean
  /** How its requests and answers differ in writing from the RFCs. */
  wire?: WireFormat
  /** Its access tokens are exchanged for keys, and the keys are used. */
  exchange?: Exchange
  /** The issuer that its id_tokens name, where that depends on the token (multi-tenant servers). */
  idTokenIssuer?: (claims: Claims) => string
  refresh: {
    /** Renewed when less than this is left, in milliseconds. */
    margin: number
    /** Error codes that mean that the grant has ended; `401 invalid_request`: with that status alone. */
    dead: readonly string[]
    /** Error codes that may mean that, or anything else: a login is needed, and the grant is not given up. */
    unclear?: readonly string[]
    /** The maximum duration of a login with all its renewals, in milliseconds. `duration` shortens it. */
    session?: number
  }
  /** Revoking one token ends the person's whole grant to the client, later logins included. */
  revocationEndsGrant?: boolean
  /** Messages for the error codes of its token endpoint, and of its exchange. */
  errorMessages?: ErrorMessages | ((params: Values<Params>) => ErrorMessages)
}

type ErrorMessages = Readonly<Record<string, ErrorMessage<LocalizedText>>>

/** The API that its tokens are for. */
interface Api<Params extends Record<string, Param>> {
  /** Headers that every request needs in addition to the token; names in lower case. */
  headers?: (params: Values<Params>) => Record<string, string>
  /** Reads the answer of the endpoint `tenants`; a bare list is passed as `{ data: list }`. */
  tenants?: (answer: Record<string, unknown>) => readonly Tenant[]
}

/** One of several that a person may work in: a shop, an organisation. */
export interface Tenant {
  slug: string
  name?: string
}

/** Environment variables that are read here, and those that are set for other programs. */
interface Environment {
  /** Hold a bearer token, used as it is. Their names end with `_TOKEN`. */
  token: readonly string[]
  /** Hold a whole credential in one text. */
  credentialUrl?: {
    env: readonly string[]
    example: string
    read: (text: string) => CredentialUrl | undefined
  }
  /** Give an endpoint. They win over `endpoints.urls`. */
  endpoints?: Partial<Record<keyof Endpoints, readonly string[]>>
  /** Of those variables, the ones that are about more than the sign-in: what is kept is used in spite of them. */
  atLogin?: readonly string[]
  /** Carry a credential to another program. */
  export?: Variables
}

/** A credential that is written in one text: a token, or a pair of keys. */
export interface CredentialUrl {
  token?: string
  keys?: { id: string; secret: string }
  account: string
  endpoints?: Endpoints
}

/** How other programs use its credentials. */
interface OtherPrograms<Params extends Record<string, Param>> {
  /** git over HTTPS. Default: `oauth2`, or no user at all where the server wants a bearer token. */
  git?: TokenAsPassword
  /** Registries of container images. Default: the name of the account. */
  docker?: TokenAsPassword
  /** The host of its web console; `endpoints.federation` signs in there. */
  console?: (params: Values<Params>) => string
  /**
   * The endpoint that can be replaced by a local address: a program that is given that address, and a local bearer, sends
   * its requests through `exec --endpoint`.
   */
  proxyEndpoint?: keyof Endpoints
}

/** A program that knows of users and passwords takes a token as the password. */
interface TokenAsPassword {
  /** Where, as a URL writes hosts. Default: those of its API and its server. */
  hosts?: (endpoints: Endpoints) => readonly string[]
  /** The user beside it. */
  user?: string
}

/** What a person is asked and told. */
interface Prompts<Params extends Record<string, Param>> {
  /** Offered on a terminal before a login that names no method, best first. */
  loginChoices?: { ask: LocalizedText; options: readonly LoginChoice[] }
  /**
   * Of its public client: why the page may refuse to redirect back. `waiting` is shown during the login, `late` after
   * its time is over.
   */
  accessHelp?: (params: Values<Params>) => { waiting: LocalizedText; late: LocalizedText }
}

interface LoginChoice {
  label: LocalizedText
  hint?: LocalizedText
  method: Method
  /** Of `keys`. */
  form?: KeysForm
}

/** Which keys are handed in: `session` are temporary ones, `role` are those that assume a role. */
export type KeysForm = 'plain' | 'session' | 'role'

interface AccessKeys {
  /** Whose access keys they are. */
  cloud: KeysCredential['cloud']
  /** The kind of a role that is assumed with keys of its own. */
  role?: string
  /** The questions that ask for keys, where they are not the usual ones. */
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

/** Completes a provider's file with what most servers have in common. */
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
