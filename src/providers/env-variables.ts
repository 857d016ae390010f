import type { Secret } from '../core/secret.ts'
import type { Credential, Endpoints } from '../core/types.ts'

/** Environment variables that carry a credential to a program. Several names for one value are all set. */
export interface Variables {
  /** A bearer token. Default: the first of `environment.token`, else the provider's id in capitals and `_TOKEN`. */
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
  composed?: Readonly<Record<string, ComposeVariable>>
  /** Where no region was given, the default is set: a variable of `sets` may have disabled the file that held one. */
  regionAlways?: boolean
  /** Always set as well, with the same value: they make a program use the credential and look nowhere else. */
  sets?: Readonly<Record<string, string>>
  /** Would win over those above in the program, and are taken away. */
  clears?: readonly string[]
  /** Instead of keys: what makes a program ask an address for keys whenever it needs some. */
  live?: LiveVariables
}

/** How the SDKs of a cloud ask an address for keys, again and again. */
export interface LiveVariables {
  /** The form of the answer: AWS' container credentials, Alibaba Cloud's credentials URI. */
  answer: 'container' | 'credentials-uri'
  /** The address. Where no variable carries the bearer, the bearer is the end of the path. */
  url: readonly string[]
  /** The bearer that requests present, or the file that it is read from for each of them. */
  bearer?: readonly string[]
  bearerFile?: readonly string[]
  /** Name files that would win. They are set to an empty one. */
  emptied?: readonly string[]
  sets?: Readonly<Record<string, string>>
  clears?: readonly string[]
}

/** Returns undefined where this credential has no such value. */
type ComposeVariable = (
  credential: Credential,
  context: CredentialContext,
) => readonly (string | Secret)[] | undefined

/** What a composed value may be made of, in addition to the credential. */
export interface CredentialContext {
  params: Readonly<Record<string, string>>
  endpoints: Endpoints
  account?: string | undefined
}
