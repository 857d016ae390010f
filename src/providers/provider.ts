import type { Words } from '../core/localized-text.ts'
import type { Secret } from '../core/secret.ts'
import type {
  Account,
  Credential,
  Dialect,
  Elsewhere,
  Endpoints,
  Exchange,
  KeysCredential,
  Meaning,
  Method,
} from '../core/types.ts'

/** Claims of an id_token, or a profile document. */
export type Claims = Record<string, unknown>

/** A value a person may give with a flag of the same name (`api_url` is `--api-url`), or in the configuration. */
export interface Param {
  about: string
  oneOf?: readonly string[]
  /** What a value looks like, and an example of one. */
  like?: { pattern: RegExp; example: string }
  /** What it is where nobody says it; what it is by the parameters before it. */
  default?: string | ((params: Readonly<Record<string, string>>) => string)
  /** The one way to write a value, so that what is the same compares as the same. Takes nonsense, too. */
  normal?: (value: string) => string
  /** Environment variables that say it, where nothing else did when a login begins. */
  env?: readonly string[]
  /** Another tool's configuration that says it, after the environment. */
  elsewhere?: Elsewhere
  /** Asked on a terminal with these words, rather than taking the default in silence. */
  ask?: Words
  /** The only ways in for which it is asked. */
  askFor?: readonly Method[]
  /** What the values of `oneOf` are called where one is chosen. */
  labels?: Readonly<Record<string, Words>>
}

/** Which keys are handed in: `session` are temporary ones, `role` are those that a role is taken on with. */
export type KeysForm = 'plain' | 'session' | 'role'

/** One way in, as a person is offered it. */
interface Way {
  label: Words
  hint?: Words
  method: Method
  /** Of keys. */
  form?: KeysForm
}

/** What is particular about a kind of identity. */
interface Kind {
  /** The ways in, where they are fewer than the provider's. */
  methods?: readonly Method[]
  /** Made from another identity's credential. */
  derived?: boolean
}

export interface Redirect {
  host: '127.0.0.1' | 'localhost'
  /** Tried in order; `[0]` is any free port (RFC 8252 §7.3). */
  ports: readonly number[]
  path: string
}

/** Environment variables that carry a credential to a program. Several names for one value are all set. */
export interface Variables {
  /** A bearer token. Default: the first of `env`, else the provider's id in capitals and `_TOKEN`. */
  token?: readonly string[]
  accessKeyId?: readonly string[]
  secretAccessKey?: readonly string[]
  sessionToken?: readonly string[]
  /** ISO 8601, UTC. */
  expiration?: readonly string[]
  region?: readonly string[]
  /** Parameters of the identity, by name. */
  params?: Readonly<Record<string, readonly string[]>>
  /** Values that are made of several parts, by their variable. A part that is secret is percent-encoded in its place. */
  composed?: Readonly<Record<string, Composed>>
  /** Where nobody said a region, the default is set: what `sets` takes away may have held one. */
  regionAlways?: boolean
  /** Always set beside them, with the same value: what makes a program take them, and look nowhere else. */
  sets?: Readonly<Record<string, string>>
  /** Would win over those above in the program, and are taken away. */
  clears?: readonly string[]
  /** What leads a program to keys that are always good, in the place of keys. */
  live?: LiveVariables
}

/** How the SDKs of a cloud ask an address for keys, again and again. */
export interface LiveVariables {
  /** The form of the answer: AWS' container credentials, Alibaba Cloud's credentials URI. */
  answer: 'container' | 'credentials-uri'
  /** The address. Where no variable carries the bearer, it stands behind the path. */
  url: readonly string[]
  /** What requests come with, or the file that it is read from each time. */
  bearer?: readonly string[]
  bearerFile?: readonly string[]
  /** Name files that would win. They are set to an empty one. */
  emptied?: readonly string[]
  sets?: Readonly<Record<string, string>>
  clears?: readonly string[]
}

/** What a program that knows of users and passwords does with a token: it is the password. */
interface AsPassword {
  /** Where, as a URL writes hosts. Default: those of its API and its server. */
  hosts?: (endpoints: Endpoints) => readonly string[]
  /** The user beside it. */
  user?: string
}

/** One of several that a person may work in: a shop, an organisation. */
export interface Tenant {
  slug: string
  name?: string
}

/** `undefined`: of this credential there is no such value. */
type Composed = (credential: Credential, beside: Beside) => readonly (string | Secret)[] | undefined

/** What a composed value may be made of, beside the credential. */
export interface Beside {
  params: Readonly<Record<string, string>>
  endpoints: Endpoints
  account?: string | undefined
}

/** A credential that is written in one text: a token, or a pair of keys. */
export interface Whole {
  token?: string
  keys?: { id: string; secret: string }
  account: string
  endpoints?: Endpoints
}

/** A service that can log someone in. Data: what differs between services, and nothing that they share. */
export interface Provider<Params extends Record<string, Param> = Record<string, Param>> {
  id: string
  /** As a person knows it: `GitHub`. */
  title: string
  /** The kind of its identities: `github/user`. */
  kind: string
  /** The other kinds of its identities, and what differs. */
  kinds?: Readonly<Record<string, Kind>>
  params: Params
  /**
   * What an identity is called where nobody says: asked with its parameters before the login, and once more when the
   * account is known. Default: the provider's id.
   */
  nameFor?: (params: Values<Params>, account?: Account) => string | undefined
  /** Its metadata is read from here (OpenID Connect Discovery, RFC 8414), unless `endpoints` are given. */
  issuer?: (params: Values<Params>) => string | undefined
  /** `given`: what the configuration or the environment says instead. */
  endpoints?: (params: Values<Params>, given: Endpoints) => Endpoints
  /** What a login has to be told where the server is not known, as it is typed. Default: `--issuer https://…`. */
  needs?: string
  /** Environment variables that say an endpoint, before the provider's own. */
  endpointEnv?: Partial<Record<keyof Endpoints, readonly string[]>>
  /** Hosts that are one server to a grant, by a name for all of them: the regions of a cloud. */
  sameServer?: (host: string) => string
  client: {
    /** A public client that anyone may use. */
    id?: string | ((params: Values<Params>) => string)
    /** Names of environment variables, beside `DAYPASS_<PROVIDER>_CLIENT_ID`. */
    env?: readonly string[]
    /** How to register one, a step a line. */
    register: readonly string[]
    auth?: 'post' | 'basic'
  }
  scopes: readonly string[]
  /** Environment variables that say the scopes, separated by spaces. */
  scopesEnv?: readonly string[]
  redirect: Redirect
  /** Environment variables that say where the browser comes back to: for a client that was registered otherwise. */
  redirectEnv?: { host: readonly string[]; port: readonly string[] }
  /** For a browser on another machine: a page that shows the code instead of a loopback, and another client, if any. */
  crossDevice?: { clientId?: string; redirectUri: (endpoints: Endpoints) => string }
  /** Its access tokens are exchanged for keys, which are what is used. */
  exchange?: Exchange
  /** How its wire differs in writing from the RFCs. */
  dialect?: Dialect
  /** The ways in, best first. */
  methods: readonly Method[]
  /** Further parameters of the authorization request. */
  authorize?: (scopes: readonly string[]) => Record<string, string>
  /** The issuer its id_tokens name, where that depends on the token (multi-tenant servers). */
  idTokenIssuer?: (claims: Claims) => string
  /** Who it is, from the id_token's claims or the profile. */
  account: (claims: Claims) => Account
  /**
   * Its access tokens are JWTs, which say whose they are, and when they are over where the answer does not. Their
   * signature is for the API to check.
   */
  jwtTokens?: boolean
  /** What is wrong with a login that does not say whose it is: then nothing is kept of it. Default: it is kept. */
  needsAccount?: string
  /** Where a bearer's profile is read: checks a personal access token, completes an id_token. Default: userinfo. */
  profile?: (params: Values<Params>) => { url: string; headers?: Record<string, string> }
  /** What its API wants to be sent beside the token; names in small letters. */
  headers?: (params: Values<Params>) => Record<string, string>
  /** Reads the answer of `endpoints.tenants`; a bare list is one within `data`. */
  tenants?: (answer: Record<string, unknown>) => readonly Tenant[]
  refresh: {
    /** Renewed when less than this is left, in milliseconds. */
    margin: number
    /** Error codes that mean that the grant is over; `401 invalid_request`: with that status alone. */
    dead: readonly string[]
    /** Error codes that may mean that, or anything else: a login is needed, and the grant is not given up. */
    unclear?: readonly string[]
    /** The longest that a login lasts, in milliseconds, however often it is renewed. `duration` shortens it. */
    session?: number
  }
  /** Error codes of its token endpoint, and of its exchange, in words. */
  meanings?: Meanings | ((params: Values<Params>) => Meanings)
  /** Why this account may not be kept under this definition; `undefined`: it may. */
  refuses?: (kind: string, params: Values<Params>, account: Account) => string | undefined
  /** What a person should know about having logged in as this account. */
  caution?: (account: Account) => Words | undefined
  /** Of its public client: what may keep the page from sending anybody back. Said while one waits, and when it is too late. */
  gate?: (params: Values<Params>) => { waiting: Words; late: Words }
  /** Its tokens are bound to a key of the login (RFC 9449). */
  dpop?: boolean
  /** Authorization requests are pushed (RFC 9126), though its metadata does not require it. */
  push?: boolean
  /** The host of its web console; `endpoints.federation` signs in there. */
  console?: (params: Values<Params>) => string
  /** Revoking one token ends the person's whole grant to the client, later logins included. */
  revocationEndsGrant?: boolean
  /** Environment variables that hold a bearer token, used as it is. */
  env: readonly string[]
  /** Environment variables that carry a credential of it to another program. */
  variables?: Variables
  /**
   * The endpoint whose place an address of ours can take: a program that is given it, and a bearer of ours, goes through
   * `exec --endpoint`.
   */
  liveEndpoint?: keyof Endpoints
  /** Offered on a terminal before a login that says nothing of it, best first. */
  ways?: { ask: Words; options: readonly Way[] }
  /** Where `--method keys` is offered. */
  keys?: {
    /** Whose access keys they are. */
    cloud: KeysCredential['cloud']
    /** The kind of a role that is taken on with keys of its own. */
    role?: string
    /** What its keys are asked for with, in its own words. */
    asks?: Partial<Record<KeysField, Words>>
  }
  /** How it writes a whole credential in one text, and the environment variables that hold one. */
  whole?: { env: readonly string[]; example: string; read: (text: string) => Whole | undefined }
  /** Answers whoever may use the account, by a bearer token or by keys as Basic authentication (RFC 7617). */
  ping?: (account: string, endpoints: Endpoints) => string
  /** git over HTTPS. Default: `oauth2`, or no user at all where the server wants a bearer token. */
  git?: AsPassword
  /** Registries of container images. Default: the name of the account. */
  docker?: AsPassword
}

type Meanings = Readonly<Record<string, Meaning<Words>>>

/** What keys consist of, and what may come with them. */
export type KeysField =
  | 'accessKeyId'
  | 'secretAccessKey'
  | 'sessionToken'
  | 'expiration'
  | 'roleArn'
  | 'sessionName'
  | 'externalId'

/** The declared parameters that have a value. */
type Values<Params extends Record<string, Param>> = { readonly [Name in keyof Params]?: string }

const MINUTE = 60_000

/** The claims of OpenID Connect Core §5.1. */
export function openidAccount(claims: Claims): Account {
  const text = (name: string) => (typeof claims[name] === 'string' ? (claims[name] as string) : undefined)
  const account = text('email') ?? text('preferred_username') ?? text('upn') ?? text('sub')
  const principal = text('sub')
  const nameOfPerson = text('name')
  const email = text('email')
  return {
    ...(account && { account }),
    ...(principal && { principal }),
    ...(nameOfPerson && { nameOfPerson }),
    ...(email && { email }),
  }
}

type Required = 'id' | 'title' | 'client' | 'methods'
type Definition<P extends Record<string, Param>> = Pick<Provider<P>, Required> &
  Partial<Omit<Provider<P>, Required>>

/** Completes a provider's file with what most servers have in common. */
export function defineProvider<const P extends Record<string, Param> = Record<never, Param>>(
  definition: Definition<P>,
): Provider {
  const complete: Provider<P> = {
    kind: `${definition.id}/user`,
    params: {} as P,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    redirect: { host: '127.0.0.1', ports: [0], path: '/callback' },
    account: openidAccount,
    refresh: { margin: MINUTE, dead: ['invalid_grant'] },
    env: [],
    ...definition,
  }
  return complete as unknown as Provider
}
