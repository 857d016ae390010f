/** Describes what other tools store and what it can become here. Their files are never changed. */
import type { Advice } from '../core/errors.ts'
import type { Account, Grant, Method, Time } from '../core/types.ts'
import type { Env } from './files/expand-home.ts'

/** A tool that stores credentials. */
export interface ImportSource {
  /** The name that people use. */
  title: string
  /** Returns the files where it stores them. */
  files(env: Env): readonly string[]
  /** Lists everything that is there, in order. */
  listCandidates(env: Env): ImportCandidate[]
  /** Returns the name that the tool uses by default. */
  findDefault?(env: Env): string | undefined
  /** What to do where the tool has stored nothing. */
  emptyHint: Advice
}

/** One credential that was found. */
export interface ImportCandidate {
  /** The tool's own name for it, and the proposed name here. */
  name: string
  /** Begins with an article: `the access key ****MPLE`. */
  what: string
  /** Why it is not copied, or what to do instead; for a copied one, what to do next. */
  next?: string
  /** Returns the grant, or undefined where it has expired. Absent where it is not copied. */
  take?: (now: Time) => Promise<ImportedGrant | undefined>
  /** Its refresh token changes with each use, so it can be in one place only. */
  rotates?: RotatingSession
}

export interface RotatingSession {
  /** The same for all candidates of one session. */
  session: string
  /** The command that logs in instead of an import. */
  login: string
  /** What the other tool needs after the import. */
  again: string
}

/** The parts of a new identity. */
export interface ImportedGrant {
  provider: string
  kind?: string
  method: Method
  params: Record<string, string>
  grant: Grant
  account?: Account
  clientId?: string
  /** It can be renewed, though it comes from no login. */
  renewable?: true
}
