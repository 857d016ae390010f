/** The data of a login at each stage. Each stage takes what the previous one returned. */
import type { DaypassError } from '../core/errors.ts'
import type { Account, Entry, Grant, Header, Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import type { ClientContext } from '../oauth/server.ts'
import type { IssuedTokens } from '../oauth/token.ts'
import type { AccessHelp } from './access-help.ts'
import type { MethodChoice, MethodQuestion } from './choose-method.ts'
import type { LoginOptions } from './options.ts'

export interface LoginTarget {
  host: Host
  definition: Definition
  options: LoginOptions
}

/** The server and client of the login, and the facts for choosing a method. */
export interface Connection extends LoginTarget, MethodQuestion {
  /** Absent for a login with a token or keys, which needs no server. */
  context?: ClientContext
}

export interface ChosenLogin extends Connection {
  choice: MethodChoice
}

/** A login on a page of the server, which a person must finish in time. */
export interface PageLogin extends ChosenLogin {
  context: ClientContext
  /** The time limit in milliseconds. */
  limit: number
  /** Why the page may refuse to redirect, where that is known. */
  help: AccessHelp | undefined
  /** The error when the time is over. */
  late: DaypassError
  /** Aborts when the time is over, or when the caller aborts. */
  signal: AbortSignal
}

/** The result of a method: tokens that a server issued, or a credential that a person supplied. */
export type ObtainedLogin = IssuedLogin | HandedInLogin

interface ObtainedBy extends Pick<LoginTarget, 'host' | 'definition'> {
  method: Method
  /** Shows the result of the login in the browser. Absent where no page waits. */
  settle?: (outcome: 'kept' | 'failed') => Promise<void>
  /** When aborted, its reason explains more than the errors that follow from the abort. */
  signal?: AbortSignal
}

/** Issued tokens, not checked yet. The next stage finds the account and whether the tokens may be stored. */
export interface IssuedLogin extends ObtainedBy {
  context: ClientContext
  issued: IssuedTokens
}

interface HandedInLogin extends ObtainedBy, CheckedCredential {
  context?: undefined
}

/** A credential that its provider accepted, with the known facts. */
export interface CheckedCredential {
  account: Account
  /** Absent where the credential is in the configuration and is not stored. */
  grant?: Grant
  /** Server clock minus ours, in milliseconds. */
  clockOffset: number
  /** The address that checked a token which no endpoint issued. */
  profile?: string
  /** Header fields that are added to, or replace, the usual ones. */
  header?: Partial<Pick<Header, 'kind' | 'renewable' | 'madeFrom' | 'sessionExpiresAt'>>
}

/** The record of a login that succeeded at the server. The caller stores it, then calls `settle`. */
export interface NewRecord extends Pick<ObtainedBy, 'settle'> {
  entry: Entry
  /** Where its tokens can be revoked. Absent where none were issued. */
  context?: ClientContext | undefined
}
