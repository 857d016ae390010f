import type { LocalizedText } from '../core/localized-text.ts'
import type { ExternalDefault, Method } from '../core/types.ts'

/** A value that differs between identities: given with a flag of `login`, in the configuration, by the environment. */
export interface Param {
  about: string
  /** Of `login`. Absent: the configuration alone gives it. */
  flag?: ParamFlag
  oneOf?: readonly string[]
  /** What a value looks like, and an example of one. */
  like?: { pattern: RegExp; example: string }
  /** The value where none is given. It may depend on the parameters before it. */
  default?: string | ((params: Readonly<Record<string, string>>) => string)
  /** The one way to write a value, so that equal values compare as equal. Must accept any text. */
  normalize?: (value: string) => string
  /** Environment variables that give it, where nothing else did when a login begins. */
  env?: readonly string[]
  /** Another tool's configuration that gives it, after the environment. */
  externalDefault?: ExternalDefault
  /** Asked on a terminal with these words, instead of taking the default without a question. */
  ask?: LocalizedText
  /** The only login methods for which it is asked. */
  askFor?: readonly Method[]
  /** What the values of `oneOf` are called where one is chosen. */
  labels?: Readonly<Record<string, LocalizedText>>
}

/** `api_url` is `--api-url`. Providers whose parameters have the same name declare the same flag. */
interface ParamFlag {
  /** The placeholder: `url` is `--api-url <url>`. */
  value: string
  /** Its line in `login --help`, true for every provider that has it. */
  about: string
  /** Another flag for the same, which the help leaves out: `oauth-site-type`. */
  alias?: string
}

export const formatFlag = (param: string) => `--${param.replaceAll('_', '-')}`

/** The parameters that have a flag, each once, by name. */
export function listParamFlags(
  providers: readonly { params: Readonly<Record<string, Param>> }[],
): ReadonlyMap<string, Param & { flag: ParamFlag }> {
  const all = providers.flatMap(({ params }) => Object.entries(params))
  return new Map(all.flatMap(([name, param]) => (param.flag ? [[name, { ...param, flag: param.flag }]] : [])))
}

/** The declared parameters that have a value. */
export type Values<Params extends Record<string, Param>> = { readonly [Name in keyof Params]?: string }
