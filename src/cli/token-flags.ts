/** The flags of `token` and `credential-process`, in commander's spelling; the fast path reads them too. */
import { isIdentityName } from '../core/names.ts'
import { CLOUDS, type Cloud } from '../formats/credential-process.ts'
import type { TokenForm } from '../formats/token.ts'

export const IDENTITY = { flags: '-i, --identity <name>', about: 'the identity' } as const
export const JSON_OUTPUT = { flags: '--json', about: 'one JSON object on standard output' } as const

export const TOKEN = {
  header: { flags: '--header', about: 'as a header: Authorization: Bearer …' },
  minTtl: { flags: '--min-ttl <time>', about: 'what must be left of it, like 10m' },
} as const

export const CREDENTIAL_PROCESS = {
  format: { flags: '--format <cloud>', about: 'default: the cloud of the keys', choices: CLOUDS },
} as const

interface Flag {
  flags: string
  choices?: readonly string[]
}

const COMMON = { identity: IDENTITY, json: JSON_OUTPUT }
const VERBS = {
  token: { ...COMMON, ...TOKEN },
  'credential-process': { ...COMMON, ...CREDENTIAL_PROCESS },
} satisfies Record<string, Record<string, Flag>>

/** The words as typed, before their values are parsed. */
export interface TokenWords {
  verb: keyof typeof VERBS
  identity?: string
  json?: boolean
  header?: boolean
  minTtl?: string
  format?: Cloud
}

/** Returns undefined where argv needs the full parser: other flags, other spellings, mistakes. */
export function parseTokenWords(argv: readonly string[]): TokenWords | undefined {
  const [verb, ...words] = argv[0] === 'auth' ? argv.slice(1) : argv
  if (verb !== 'token' && verb !== 'credential-process') return undefined
  const found: Record<string, string | true> = {}
  while (words.length > 0) {
    const word = words.shift()!
    const [key, flag] = findFlag(VERBS[verb], word) ?? ['identity', undefined]
    const takesValue = flag?.flags.includes('<')
    const value = flag ? (takesValue ? words.shift() : true) : word
    // commander decides about repeated flags.
    if (value === undefined || key in found) return undefined
    if (key === 'identity' && !isIdentityName(value as string)) return undefined
    if (flag?.choices && !flag.choices.includes(value as string)) return undefined
    found[key] = value
  }
  return { verb, ...found }
}

const findFlag = (flags: Record<string, Flag>, word: string) =>
  Object.entries(flags).find(([, flag]) => flag.flags.split(/,? /).includes(word))

export const chooseTokenForm = ({ json, header }: Pick<TokenWords, 'json' | 'header'>): TokenForm =>
  json ? 'json' : header ? 'header' : 'plain'
