/** What a login is at each of its stages. A stage takes what the one before it returned. */
import type { DaypassError } from '../core/errors.ts'
import type { Account, Entry, Grant, Header, Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { ClientContext } from '../oauth/server.ts'
import type { IssuedTokens } from '../oauth/token.ts'
import type { AccessHelp } from './access-help.ts'
import type { MethodChoice, MethodQuestion } from './choose-method.ts'
import type { LoginOptions } from './options.ts'

/** What to log in to. */
export interface LoginTarget {
  host: Host
  definition: Definition
  options: LoginOptions
}

/** The server and client to log in with, and what the choice of a method depends on. */
export interface Connection extends LoginTarget, MethodQuestion {
  /** Absent: a token or keys were asked for, which need no server. */
  context?: ClientContext
}

export interface ChosenLogin extends Connection {
  choice: MethodChoice
}

/** A login at a page of the server, which a person has to finish in time. */
export interface PageLogin extends ChosenLogin {
  context: ClientContext
  /** Milliseconds. */
  limit: number
  /** What may keep the page from redirecting, where that is known. */
  help: AccessHelp | undefined
  /** What to throw when the time is over. */
  late: DaypassError
  /** Aborts when the time is over, or when the caller gives up. */
  signal: AbortSignal
}

/** What a method returns: tokens that a server issued, or a credential that a person handed in. */
export type ObtainedLogin = IssuedLogin | HandedInLogin

interface ObtainedBy extends Pick<LoginTarget, 'host' | 'definition'> {
  method: Method
  /** Says on the page in the browser how the login ended. Absent where no page waits. */
  settle?: (outcome: 'kept' | 'failed') => Promise<void>
  /** Where it has aborted, its reason says more than the errors that come of it. */
  signal?: AbortSignal
}

/** Not checked yet: who logged in, and whether the tokens may be kept, is for the record to find out. */
export interface IssuedLogin extends ObtainedBy {
  context: ClientContext
  issued: IssuedTokens
}

interface HandedInLogin extends ObtainedBy, CheckedCredential {
  context?: undefined
}

/** A credential that its provider accepted, and what is known of it. */
export interface CheckedCredential {
  account: Account
  /** Absent: the credential stands in the configuration and is kept nowhere else. */
  grant?: Grant
  /** Server clock minus ours, in milliseconds. */
  clockOffset: number
  /** The address that checked a token which no endpoint issued. */
  profile?: string
  /** What the header says beside, or instead of, what every record has. */
  header?: Partial<Pick<Header, 'kind' | 'renewable' | 'madeFrom' | 'sessionExpiresAt'>>
}

/** The record of a login that succeeded at the server. It is to be kept, then settled. */
export interface NewRecord extends Pick<ObtainedBy, 'settle'> {
  entry: Entry
  /** Where its tokens can be revoked. Absent where nothing was issued. */
  context?: ClientContext | undefined
}
