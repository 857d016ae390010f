import type { LocalizedText } from '../core/localized-text.ts'
import type { ExternalDefault, Method } from '../core/types.ts'

/** A value that differs between identities, given by a `login` flag, the configuration or the environment. */
export interface Param {
  about: string
  /** The flag of `login`. Absent: only the configuration gives it. */
  flag?: ParamFlag
  oneOf?: readonly string[]
  /** The required form of a value, with an example. */
  like?: { pattern: RegExp; example: string }
  /** The value where none is given. It may depend on earlier parameters. */
  default?: string | ((params: Readonly<Record<string, string>>) => string)
  /** Returns the canonical form, so that equal values compare as equal. It must accept any text. */
  normalize?: (value: string) => string
  /** Environment variables that give the value where nothing else did at the login. */
  env?: readonly string[]
  /** Another tool's configuration that gives the value, after the environment. */
  externalDefault?: ExternalDefault
  /** The question on a terminal, asked instead of using the default silently. */
  ask?: LocalizedText
  /** The only login methods that ask it. */
  askFor?: readonly Method[]
  /** The labels of the values in `oneOf` when a person chooses. */
  labels?: Readonly<Record<string, LocalizedText>>
}

/** `api_url` is `--api-url`. Providers with the same parameter name declare the same flag. */
interface ParamFlag {
  /** The placeholder: `url` is `--api-url <url>`. */
  value: string
  /** The line in `login --help`, valid for every provider with this flag. */
  about: string
  /** Another name of the flag, which the help omits: `oauth-site-type`. */
  alias?: string
}

export const formatFlag = (param: string) => `--${param.replaceAll('_', '-')}`

/** Returns each parameter with a flag once, by name. */
export function listParamFlags(
  providers: readonly { params: Readonly<Record<string, Param>> }[],
): ReadonlyMap<string, Param & { flag: ParamFlag }> {
  const all = providers.flatMap(({ params }) => Object.entries(params))
  return new Map(all.flatMap(([name, param]) => (param.flag ? [[name, { ...param, flag: param.flag }]] : [])))
}

/** The declared parameters, each with a value or undefined. */
export type Values<Params extends Record<string, Param>> = { readonly [Name in keyof Params]?: string }
