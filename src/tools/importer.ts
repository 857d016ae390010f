/** What other tools keep and what could become of it here. Nothing of theirs is ever changed. */
import type { Advice } from '../core/errors.ts'
import type { Account, Grant, Method, Time } from '../core/types.ts'
import type { Env } from './files/expand-home.ts'

/** A tool that keeps credentials. */
export interface ImportSource {
  /** How a person calls it. */
  title: string
  /** Where it keeps them. */
  files(env: Env): readonly string[]
  /** Everything that is there, in its order. */
  listCandidates(env: Env): ImportCandidate[]
  /** What it uses where nothing is named. */
  findDefault?(env: Env): string | undefined
  /** For somebody who has nothing there. */
  emptyHint: Advice
}

/** One thing that was found. */
export interface ImportCandidate {
  /** The tool's own name for it, and the one that it would have here. */
  name: string
  /** Begins with an article: `the access key ****MPLE`. */
  what: string
  /** Why it is not copied or what to do instead; of what is copied, what to do then. */
  next?: string
  /** Absent: it is not copied. What it gives is `undefined` where it is over. */
  take?: (now: Time) => Promise<ImportedGrant | undefined>
  /** Its refresh token is a new one after each use, so it can live in one place alone. */
  rotates?: RotatingSession
}

export interface RotatingSession {
  /** Offers of one session have one of these. */
  session: string
  /** The command that replaces it. */
  login: string
  /** What the other tool needs when it is taken over. */
  again: string
}

/** What an identity is made of. */
export interface ImportedGrant {
  provider: string
  kind?: string
  method: Method
  params: Record<string, string>
  grant: Grant
  account?: Account
  clientId?: string
  /** It has what the next credential is made with, though no login has. */
  renewable?: true
}
