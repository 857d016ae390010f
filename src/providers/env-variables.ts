import type { Secret } from '../core/secret.ts'
import type { Credential, Endpoints } from '../core/types.ts'

/**
 * Environment variables that pass a credential to a program. Where a value has several names, all are set.
 */
export interface Variables {
  /** A bearer token. Default: the first of `environment.token`, else `<ID>_TOKEN` in capitals. */
  token?: readonly string[]
  accessKeyId?: readonly string[]
  secretAccessKey?: readonly string[]
  sessionToken?: readonly string[]
  /** The expiry as ISO 8601 in UTC. */
  expiration?: readonly string[]
  region?: readonly string[]
  /** Parameters of the identity, by name. */
  params?: Readonly<Record<string, readonly string[]>>
  /** Values made of several parts, by variable. Secret parts are percent-encoded. */
  composed?: Readonly<Record<string, ComposeVariable>>
  /** Set the default region where none was given: a variable of `sets` may disable the file that held one. */
  regionAlways?: boolean
  /** Always set to this value: they make a program use this credential and no other source. */
  sets?: Readonly<Record<string, string>>
  /** Removed, because the program would prefer them. */
  clears?: readonly string[]
  /** Instead of keys: makes a program request keys from a URL whenever it needs them. */
  live?: LiveVariables
}

/** How a cloud's SDKs repeatedly request keys from a URL. */
export interface LiveVariables {
  /** The format of the answer: AWS container credentials, or Alibaba Cloud's credentials URI. */
  answer: 'container' | 'credentials-uri'
  /** Variables for the URL. Where no variable holds the bearer, it is the end of the URL's path. */
  url: readonly string[]
  /** Variables for the bearer of the requests, or for the file from which it is read each time. */
  bearer?: readonly string[]
  bearerFile?: readonly string[]
  /** Variables that name files which would win. They are set to an empty file. */
  emptied?: readonly string[]
  sets?: Readonly<Record<string, string>>
  clears?: readonly string[]
}

/** Returns undefined where this credential has no such value. */
type ComposeVariable = (
  credential: Credential,
  context: CredentialContext,
) => readonly (string | Secret)[] | undefined

/** The data for a composed value, in addition to the credential. */
export interface CredentialContext {
  params: Readonly<Record<string, string>>
  endpoints: Endpoints
  account?: string | undefined
}
