import type { ErrorCode } from './errors.ts'
import type { Secret } from './secret.ts'
import type { Store } from './stores.ts'

/** Milliseconds since 1970-01-01 UTC. Every time inside the program; ISO 8601 only at its edges. */
export type Time = number

/** How a person proved who they are; `derived`: another identity's credential vouched for it. */
export type Method = 'browser' | 'paste' | 'device' | 'token' | 'keys' | 'derived'

/** A token sent as `Authorization: Bearer …` (RFC 6750). */
export interface BearerCredential {
  kind: 'bearer'
  token: Secret
  /** As the server wrote it, lower-cased (RFC 6749 §5.1); `bearer` where it said nothing. */
  tokenType: string
  issuedAt: Time
  /** Absent: valid until revoked. */
  expiresAt?: Time
  idToken?: Secret
  scope?: string
}

/** An access key of a cloud, temporary when it has a session token. */
export interface KeysCredential {
  kind: 'keys'
  cloud: 'aws' | 'alibaba' | 'cloudinary'
  accessKeyId: string
  secretAccessKey: Secret
  sessionToken?: Secret
  issuedAt: Time
  expiresAt?: Time
}

/** What is used. */
export type Credential = BearerCredential | KeysCredential

/** What is kept for an identity, sealed: an issued credential and how to renew it. */
export interface Grant {
  credential: Credential
  /** Absent: nothing to renew (a personal access token, static keys, a server that sent none). */
  refreshToken?: Secret
  /** The private key (JWK) that the tokens are bound to (RFC 9449). */
  proofKey?: Secret
  /** The long-term keys that the credential was made with. */
  longTerm?: KeysCredential
  /** The access token that the keys were exchanged for, with a life of its own. */
  source?: BearerCredential
}

/** What of a grant is used; the rest is how it is renewed. Sealed apart, with a key of its own. */
export interface UsableGrant extends Pick<Grant, 'credential'> {
  /** Of a bearer token, which is sent with proofs of it. */
  proofKey?: Secret
}

/** Who the server says it is. */
export interface Account {
  /** What a person recognises the account by: an e-mail, a login name, an account number. */
  account?: string
  /** The server's own stable id: `sub`, an ARN. */
  principal?: string
  nameOfPerson?: string
  email?: string
}

/** Absolute URLs, by the short names of the configuration. */
export interface Endpoints {
  issuer?: string
  authorization?: string
  token?: string
  revocation?: string
  device?: string
  userinfo?: string
  /** RFC 9126. */
  par?: string
  /** Lists what a person may work in, where their account has several. */
  tenants?: string
  /** The base of a cloud's sign-in service, of its token service, of its console's federation. */
  signin?: string
  sts?: string
  federation?: string
  /** The base of an OAuth service whose endpoints lie below it, and of the API that its tokens are for. */
  oauth?: string
  api?: string
  /** Where a cloud issues keys for an access token. */
  exchange?: string
}

/** What an error code of a server means, in words of ours. */
export interface ErrorMessage<Text = string> {
  message: Text
  /** What to do about it. */
  hint?: Text
}

/** How a server's requests and answers differ in writing from what the RFCs say, and in nothing else. */
export interface WireFormat {
  /** What it calls the challenge method S256 of RFC 7636 §4.3. */
  challengeMethod: string
  /** The only parameters that its authorization endpoint takes. */
  parameters: readonly string[]
  /** The body of a token request, from the form of RFC 6749. */
  encodeRequest(form: URLSearchParams): { type: string; body: string }
  /** A token answer, or an error, in the names of RFC 6749 §5. A structured access token becomes its JSON. */
  decodeResponse(json: Record<string, unknown>): Record<string, unknown>
  /** Token types of its own, lower-cased. */
  tokenTypes: readonly string[]
  /** Its words for a proof that it does not like; RFC 9449 says `invalid_dpop_proof`. */
  proofErrors: readonly string[]
  /** The keys that an access token of it holds. */
  parseKeys(accessToken: string): {
    cloud: KeysCredential['cloud']
    accessKeyId: string
    secretAccessKey: string
    sessionToken: string
  }
}

/** Keys as a service issues them for one of its access tokens. */
interface ExchangedKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** As it was written: a date, or a number of seconds since 1970. */
  expiration: unknown
}

/** The step behind a token answer, where the access token is exchanged for keys of a cloud. */
export interface Exchange {
  cloud: KeysCredential['cloud']
  /** Milliseconds that must be left of the access token. */
  margin: number
  /** The keys in an answer; `undefined`: it has none. */
  parseKeys(answer: Record<string, unknown>): ExchangedKeys | undefined
  /** It is the access token that is refused, and a newer one would not be. */
  wantsNewer(refusal: { status: number; error: string; description: string }): boolean
}

/** Where the 32-byte key that seals a record lies, or the one that only opens what is used of it. */
export interface KeyLocation {
  id: string
  where: Exclude<Store, 'auto'>
}

/**
 * The clear first line of a record: the identity's definition and its row of `list`, so neither needs the key.
 * Authenticated together with both sealed parts.
 */
export interface Header {
  /** The format of the record, set by the vault when it writes. 1: sealed in one part, by versions of before. */
  v: 1 | 2
  name: string
  /** `oidc/user`, `github/user`, … */
  kind: string
  provider: string
  /** What the provider's file declares: issuer, region, tenant, client_id, scopes, … Never a secret. */
  params: Record<string, string>
  /** The server the grant is bound to, as it was at the login. Its refresh token is sent nowhere else. */
  endpoints?: Endpoints
  /** The client the grant was issued to; a renewal presents the same one. */
  clientId?: string
  method: Method
  account?: Account
  issuedAt?: Time
  expiresAt?: Time
  /** After this only a person can renew. */
  sessionExpiresAt?: Time
  /** A refresh token is sealed in the body. */
  renewable: boolean
  /** Server clock minus ours, in milliseconds, learnt from `Date` headers. The times above are the server's. */
  clockOffset?: number
  /** How the client's secret, where it has one, was presented at the login. */
  clientAuth?: 'post' | 'basic'
  /**
   * The last renewal that was tried, so that whoever waited for it shares its outcome. `midway`: its first request is
   * answered and kept, and it is not over, or was cut off there.
   */
  lastRenewal?: { beganAt: Time; failure?: string; code?: ErrorCode; midway?: true }
  /**
   * A renewal began then, and its answer was not kept: its process died, or the answer was lost on the way. The
   * server may have spent the refresh token that is sealed here.
   */
  unanswered?: Time
  /** Renewals that cost the login, because their answer was lost. */
  lostRenewals?: number
  /** Of a derived credential: a digest of what it was made from. Made anew when that is something else now. */
  madeFrom?: string
  /** The grant rests there, in another tool's own file. Digests: of a refresh token that was refused, of the proof key. */
  home?: { kind: string; path: string; refused?: string; login?: string }
  /** Present: a login is needed, and this is why. */
  loginRequired?: string
  createdAt: Time
  /** Set by the vault when it seals the grant; absent where nothing is sealed (after `logout`). */
  key?: KeyLocation
}

/** One record of the vault, opened. `grant` is absent after `logout`. */
export interface Entry {
  header: Header
  grant?: Grant
}

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A request to a loopback listener, as far as anyone decides on it. */
export interface LoopbackRequest {
  method: string
  /** Path and query as sent: `/callback?code=…`. */
  target: string
  /** The `Host` header; empty where there was none or more than one. */
  host: string
}

export interface LoopbackResponse {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Listener {
  port: number
  /** Lets a page that is being sent finish (a second at most), then closes every connection. */
  close(): Promise<void>
}

export interface ListenOptions {
  /** `localhost` binds 127.0.0.1 and ::1; anything else binds 127.0.0.1 alone. */
  host: '127.0.0.1' | 'localhost'
  /** The first free one wins; `[0]` asks for any. */
  ports: readonly number[]
}

/** The person in front of us, or their absence. Everything goes to stderr; stdout is for answers. */
export interface Terminal {
  /** stdin and stderr are terminals, and nobody said `--no-input`. */
  readonly interactive: boolean
  /** One or more lines of conversation. */
  say(text: string): void
  /** One line that is worth a second look; dropped by nobody, `--quiet` included. */
  warn(text: string): void
  /** Shows that something takes long: a spinner on a terminal, nothing in a pipe. Call the result to stop. */
  busy(label: string): () => void
  /**
   * Reads one pasted or typed text without echoing it. On a terminal a paste may be wrapped over lines; in a
   * pipe it is one line. `undefined`: the input ended.
   */
  readSecret(prompt: string, signal?: AbortSignal): Promise<string | undefined>
  /** Only where `interactive`. Cancelled: `undefined`, or a `DaypassError('cancelled')`. */
  choose<T extends string>(
    question: string,
    options: readonly { value: T; label: string; hint?: string }[],
  ): Promise<T | undefined>
  confirm(question: string): Promise<boolean>
  /** A line that is no secret. Only where `interactive`; what is proposed is taken by Enter. */
  ask(question: string, proposed?: string): Promise<string>
}

/** Facts about where we run, for pure decisions. */
export interface RuntimeEnvironment {
  platform: NodeJS.Platform
  /** stdin and stderr are terminals, and nobody said `--no-input`. */
  interactive: boolean
  ssh: boolean
  wsl: boolean
  container: boolean
  /** A graphical session is reachable (always on macOS and Windows outside SSH). */
  display: boolean
  ci: boolean
  /** `$BROWSER` is set. */
  browserSet: boolean
}

/** The outside world. Everything the deciding rooms may touch; a test hands in its own. */
export interface Host {
  fetch: Fetch
  now(): Time
  /** Rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Resolves true when an opener took the URL; false when there is none or it failed within 2 s. */
  openBrowser(url: string, command?: string): Promise<boolean>
  /** Throws `DaypassError('port')` that names the ports, and their holder where known. */
  listen(
    options: ListenOptions,
    handle: (request: LoopbackRequest) => LoopbackResponse | Promise<LoopbackResponse>,
  ): Promise<Listener>
  terminal: Terminal
  detectRuntimeEnvironment(): RuntimeEnvironment
  /** Runs work that a Ctrl-C must not cut: a renewal whose request has left. The signal takes effect afterwards. */
  deferSignals<T>(work: () => Promise<T>): Promise<T>
  env: Readonly<Record<string, string | undefined>>
  /** What another tool's configuration says, where a provider's file declares that it counts. */
  externalDefault?(what: ExternalDefault): Promise<string | undefined>
}

/** The region of the AWS profile that is in force. */
export type ExternalDefault = 'aws-region'
