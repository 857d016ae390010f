import type { ErrorCode } from './errors.ts'
import type { Secret } from './secret.ts'
import type { Store } from './stores.ts'

/** Milliseconds since 1970-01-01 UTC. Every internal time has this form; input and output use ISO 8601. */
export type Time = number

/** How a person logged in. `derived`: the credential was made from another identity's credential. */
export type Method = 'browser' | 'paste' | 'device' | 'token' | 'keys' | 'derived'

/** A token sent as `Authorization: Bearer …` (RFC 6750). */
export interface BearerCredential {
  kind: 'bearer'
  token: Secret
  /** As the server wrote it, in lower case (RFC 6749 §5.1); `bearer` where the server gave no type. */
  tokenType: string
  issuedAt: Time
  /** Absent: valid until revoked. */
  expiresAt?: Time
  idToken?: Secret
  scope?: string
}

/** An access key of a cloud. It is temporary when it has a session token. */
export interface KeysCredential {
  kind: 'keys'
  cloud: 'aws' | 'alibaba' | 'cloudinary'
  accessKeyId: string
  secretAccessKey: Secret
  sessionToken?: Secret
  issuedAt: Time
  expiresAt?: Time
}

/** What is sent to an API. */
export type Credential = BearerCredential | KeysCredential

/** What is stored for an identity, sealed: an issued credential and how to renew it. */
export interface Grant {
  credential: Credential
  /** Absent where it cannot be renewed: a personal access token, static keys, or a server that sent none. */
  refreshToken?: Secret
  /** The private key (JWK) that the tokens are bound to (RFC 9449). */
  proofKey?: Secret
  /** The long-term keys from which the credential was made. */
  longTerm?: KeysCredential
  /** The access token that was exchanged for the keys. It has its own expiry. */
  source?: BearerCredential
}

/** What of a grant is used; the rest is how it is renewed. Sealed apart, with a key of its own. */
export interface UsableGrant extends Pick<Grant, 'credential'> {
  /** Of a bearer token, which is sent with proofs of it. */
  proofKey?: Secret
}

/** The account that the server reports. */
export interface Account {
  /** A name that a person recognizes: an e-mail address, a login name, an account number. */
  account?: string
  /** The server's stable id: `sub`, or an ARN. */
  principal?: string
  nameOfPerson?: string
  email?: string
}

/** Absolute URLs, by the short names that the configuration uses. */
export interface Endpoints {
  issuer?: string
  authorization?: string
  token?: string
  revocation?: string
  device?: string
  userinfo?: string
  /** Pushed authorization requests (RFC 9126). */
  par?: string
  /** Lists the tenants that a person may work in. */
  tenants?: string
  /** Base URLs of a cloud's sign-in service, token service and console federation. */
  signin?: string
  sts?: string
  federation?: string
  /** Base URLs of an OAuth service, and of the API that its tokens are for. */
  oauth?: string
  api?: string
  /** Where a cloud issues keys in exchange for an access token. */
  exchange?: string
}

/** The meaning of a server's error code. */
export interface ErrorMessage<Text = string> {
  message: Text
  /** What to do about it. */
  hint?: Text
}

/** How the syntax of a server's requests and responses differs from the RFCs. The meaning is the same. */
export interface WireFormat {
  /** The server's name for the challenge method S256 of RFC 7636 §4.3. */
  challengeMethod: string
  /** The only parameters that the authorization endpoint accepts. */
  parameters: readonly string[]
  /** Converts the form of RFC 6749 to the body of a token request. */
  encodeRequest(form: URLSearchParams): { type: string; body: string }
  /** Converts a token response or error to the names of RFC 6749 §5; a structured token becomes JSON. */
  decodeResponse(json: Record<string, unknown>): Record<string, unknown>
  /** Additional token types, in lower case. */
  tokenTypes: readonly string[]
  /** Error codes for a refused proof, in addition to `invalid_dpop_proof` (RFC 9449). */
  proofErrors: readonly string[]
  /** Reads the keys that an access token holds. */
  parseKeys(accessToken: string): {
    cloud: KeysCredential['cloud']
    accessKeyId: string
    secretAccessKey: string
    sessionToken: string
  }
}

/** Keys that a service issued in exchange for an access token. */
interface ExchangedKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** As the service wrote it: a date, or seconds since 1970. */
  expiration: unknown
}

/** The step after a token response: the access token is exchanged for keys of a cloud. */
export interface Exchange {
  cloud: KeysCredential['cloud']
  /** Milliseconds that the access token must still be valid. */
  margin: number
  /** Reads the keys of a response. Returns undefined where it has none. */
  parseKeys(answer: Record<string, unknown>): ExchangedKeys | undefined
  /** Returns whether only this access token is refused, and a newer one would be accepted. */
  wantsNewer(refusal: { status: number; error: string; description: string }): boolean
}

/** Where the 32-byte key that seals a record is stored, or the one that only opens what is used of it. */
export interface KeyLocation {
  id: string
  where: Exclude<Store, 'auto'>
}

/**
 * The unencrypted first line of a record: the identity's definition and its row in `list`, so neither needs
 * the key. It is authenticated together with both sealed parts.
 */
export interface Header {
  /** The format of the record, set by the vault when it writes. 1: sealed in one part, by versions of before. */
  v: 1 | 2
  name: string
  /** `oidc/user`, `github/user`, … */
  kind: string
  provider: string
  /** Parameters that the provider declares: issuer, region, tenant, client_id, scopes, … Never a secret. */
  params: Record<string, string>
  /** The server at the time of the login. The refresh token is sent to no other server. */
  endpoints?: Endpoints
  /** Of those, what a variable of the environment gave at the login, as it was given. */
  ambient?: Endpoints
  /** The client that the grant was issued to; each renewal presents the same one. */
  clientId?: string
  method: Method
  account?: Account
  issuedAt?: Time
  expiresAt?: Time
  /** After this time, renewal needs a person. */
  sessionExpiresAt?: Time
  /** The body holds a refresh token, or something else to renew with. */
  renewable: boolean
  /** Server clock minus ours in milliseconds, from `Date` headers. The times above are the server's. */
  clockOffset?: number
  /** How the client secret, if any, was presented at the login. */
  clientAuth?: 'post' | 'basic'
  /**
   * The last renewal attempt; calls that waited for it share its result. `midway`: the response of its first
   * request is stored, and the renewal still runs or was interrupted there.
   */
  lastRenewal?: { beganAt: Time; failure?: string; code?: ErrorCode; midway?: true }
  /**
   * When a renewal began whose response was not stored: the process died, or the response was lost. The
   * server may have spent the refresh token of this record.
   */
  unanswered?: Time
  /** How many renewals ended the login because their response was lost. */
  lostRenewals?: number
  /** Digest of what a derived credential was made from. If that changes, the credential is made again. */
  madeFrom?: string
  /** The grant is in another tool's file. Digests: `refused` of a refresh token, `login` of the proof key. */
  home?: { kind: string; path: string; refused?: string; login?: string }
  /** Present where a login is needed: the reason. */
  loginRequired?: string
  createdAt: Time
  /** Set by the vault when it seals the grant. Absent where no body is sealed, as after `logout`. */
  key?: KeyLocation
}

/** An opened record of the vault. `grant` is absent after `logout`. */
export interface Entry {
  header: Header
  grant?: Grant
}

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The parts of a request to a loopback listener that decide about it. */
export interface LoopbackRequest {
  method: string
  /** Path and query as sent: `/callback?code=…`. */
  target: string
  /** The `Host` header; empty where there was none or more than one. */
  host: string
  /**
   * Describes who sent it, where that is another user of this machine. To be asked at once: it reads who holds the other
   * end now. Undefined: ours, or not known.
   */
  findStranger?(): string | undefined
}

export interface LoopbackResponse {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Listener {
  port: number
  /** Why earlier ports of the list were not used: `port 8765 is held by node (pid 4711)`. */
  passedOver?: readonly string[]
  /** Waits at most one second for a page that is being sent, then closes every connection. */
  close(): Promise<void>
}

export interface ListenOptions {
  /** `localhost` binds 127.0.0.1 and ::1; `127.0.0.1` binds that address only. */
  host: '127.0.0.1' | 'localhost'
  /** The first free port is used; `[0]` means any port. */
  ports: readonly number[]
}

/** The conversation with a person, if there is one. It goes to stderr; stdout is for results. */
export interface Terminal {
  /** stdin and stderr are terminals, and `--no-input` was not given. */
  readonly interactive: boolean
  /** Prints text of one or more lines. */
  say(text: string): void
  /** Prints one line that is always shown, even with `--quiet`. */
  warn(text: string): void
  /** Shows a spinner on a terminal and nothing in a pipe. Call the returned function to stop it. */
  busy(label: string): () => void
  /**
   * Reads one pasted or typed text without echo. On a terminal a paste may have several lines; in a pipe it
   * is one line. Resolves to undefined where the input ended.
   */
  readSecret(prompt: string, signal?: AbortSignal): Promise<string | undefined>
  /** Only where `interactive`. On cancel: returns undefined, or throws `cancelled`. */
  choose<T extends string>(
    question: string,
    options: readonly { value: T; label: string; hint?: string }[],
  ): Promise<T | undefined>
  confirm(question: string): Promise<boolean>
  /** Asks for a line that is not secret. Only where `interactive`; Enter accepts `proposed`. */
  ask(question: string, proposed?: string): Promise<string>
}

/** Facts about the environment of the process, for pure decisions. */
export interface RuntimeEnvironment {
  platform: NodeJS.Platform
  /** stdin and stderr are terminals, and `--no-input` was not given. */
  interactive: boolean
  ssh: boolean
  wsl: boolean
  container: boolean
  /** A graphical session is reachable (outside SSH, always true on macOS and Windows). */
  display: boolean
  ci: boolean
  /** `$BROWSER` is set. */
  browserSet: boolean
}

/** The outside world: everything that code without direct I/O may use. A test passes its own. */
export interface Host {
  fetch: Fetch
  now(): Time
  /** Rejects with the signal's reason on abort. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Resolves to true when an opener took the URL, to false without one or when it failed within 2 s. */
  openBrowser(url: string, command?: string): Promise<boolean>
  /** Throws `port`, naming the ports and the process that holds them where it is known. */
  listen(
    options: ListenOptions,
    handle: (request: LoopbackRequest) => LoopbackResponse | Promise<LoopbackResponse>,
  ): Promise<Listener>
  terminal: Terminal
  detectRuntimeEnvironment(): RuntimeEnvironment
  /** Runs work that Ctrl-C must not cut, such as a renewal that was sent. The signal acts afterwards. */
  deferSignals<T>(work: () => Promise<T>): Promise<T>
  env: Readonly<Record<string, string | undefined>>
  /** Reads a default from another tool's configuration, where the provider declares that it applies. */
  externalDefault?(what: ExternalDefault): Promise<string | undefined>
}

/** The region of the active AWS profile. */
export type ExternalDefault = 'aws-region'
