/** Formats environment variables for each shell, file and program. */

import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { Secret } from '../core/secret.ts'
import type { EnvChanges, EnvVariable } from './variables.ts'

export const ENV_FORMATS = ['bash', 'fish', 'powershell', 'cmd', 'nu', 'dotenv', 'json', 'github'] as const
export type EnvFormat = (typeof ENV_FORMATS)[number]

interface Writer {
  /** Returns undefined where the format cannot carry such a value. */
  set(name: string, value: string): string | undefined
  clear(name: string): string
  newline: string
}

const WRITERS: Record<'bash' | 'fish' | 'powershell' | 'cmd' | 'nu', Writer> = {
  // Also sh, dash, zsh and ksh.
  bash: {
    set: (name, value) => `export ${name}='${value.replaceAll(`'`, `'\\''`)}'`,
    clear: (name) => `unset ${name}`,
    newline: '\n',
  },
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replace(/['\\]/g, '\\$&')}'`,
    // Global only: clearing a universal variable would delete it in every session.
    clear: (name) => `set -eg ${name}`,
    newline: '\n',
  },
  powershell: {
    // PowerShell has five single quotes. It reads a program's output by line, and has no empty variable.
    set: (name, value) =>
      value === '' || /[\r\n]/.test(value)
        ? undefined
        : `$Env:${name} = '${value.replace(/['\u2018-\u201b]/g, '$&$&')}'`,
    clear: (name) => `$Env:${name} = $null`,
    newline: '\n',
  },
  cmd: {
    // Doubling `%` depends on where cmd reads it, `!` on how cmd was started.
    set: (name, value) => (value === '' || /[\r\n"%!]/.test(value) ? undefined : `set "${name}=${value}"`),
    clear: (name) => `set "${name}="`,
    newline: '\r\n',
  },
  nu: {
    set: (name, value) => `$env.${name} = "${value.replace(/["\\\p{Cc}]/gu, escapeNu)}"`,
    clear: (name) => `hide-env -i ${name}`,
    newline: '\n',
  },
}

const escapeNu = (character: string) =>
  /["\\]/.test(character) ? `\\${character}` : `\\u{${character.codePointAt(0)!.toString(16)}}`

/** Formats with as few quotes as possible: `docker --env-file` takes quotes for a part of the value. */
function formatDotenvLine(name: string, value: string): string | undefined {
  if (/^[\w./:@+=,-]*$/.test(value)) return `${name}=${value}`
  if (/[\r\n]/.test(value)) return undefined
  if (!value.includes(`'`)) return `${name}='${value}'`
  // Some readers expand `$NAME` and `
  // ` in double quotes.
  return /["\\$`]/.test(value) ? undefined : `${name}="${value}"`
}

/** Formats the output of `env`. Throws `usage` with the name of a variable that the format cannot carry. */
export function formatEnv(changes: EnvChanges, format: Exclude<EnvFormat, 'github'>): string {
  const { set, clear } = changes
  if (format === 'json') return formatJson(Object.fromEntries(set.map((each) => formatEntry(each, format))))
  if (format === 'dotenv') return set.map((each) => formatVariable(each, format, formatDotenvLine)).join('\n')
  const writer = WRITERS[format]
  const lines = [...clear.map(writer.clear), ...set.map((each) => formatVariable(each, format, writer.set))]
  return lines.join(writer.newline)
}

/** Files and objects cannot clear a variable. */
const NOT_SHELLS: readonly EnvFormat[] = ['dotenv', 'json', 'github']

/** Returns whether the output of `env` clears the variables that override those it sets. */
export const canUnset = (format: EnvFormat) => !NOT_SHELLS.includes(format)

/** Formats the output of `env --unset`. */
export function formatUnset(names: readonly string[], format: EnvFormat): string {
  if (format === 'json') return formatJson(Object.fromEntries(names.map((name) => [name, null])))
  if (format === 'dotenv' || format === 'github')
    throw new DaypassError('usage', `${format} has no words to take a variable away`, {
      hint: `--unset goes with the formats ${ENV_FORMATS.filter(canUnset).join(', ')}, json`,
    })
  const { clear, newline } = WRITERS[format]
  return names.map(clear).join(newline)
}

/** Formats the lines of `$GITHUB_ENV`, and masks to print first so that GitHub's logs hide them. */
export function formatGithubEnv({ set }: EnvChanges, delimiter: string): { file: string; masks: string } {
  const block = (name: string, value: string) =>
    value.includes(delimiter) ? undefined : `${name}<<${delimiter}\n${value}\n${delimiter}\n`
  const secrets = set.flatMap(({ value, holds = [] }) =>
    [value, ...holds].flatMap((each) => (typeof each === 'string' ? [] : [each.reveal()])),
  )
  const masks = [...new Set(secrets)].map(
    (secret) => `::add-mask::${secret.replace(/[%\r\n]/g, encodeURIComponent)}`,
  )
  return { file: set.map((each) => formatVariable(each, 'github', block)).join(''), masks: masks.join('\n') }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Returns the environment of a program with the changes applied. */
export function applyEnvChanges(
  { set, clear }: EnvChanges,
  env: Environment = {},
  platform: NodeJS.Platform = 'linux',
): Record<string, string> {
  // Windows treats `Path` and `PATH` as one variable.
  const known = (name: string) => (platform === 'win32' ? name.toUpperCase() : name)
  const gone = new Set([...clear, ...set.map(({ name }) => name)].map(known))
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !gone.has(known(entry[0])),
  )
  return Object.fromEntries([...kept, ...set.map((each) => formatEntry(each, 'an environment'))])
}

const formatEntry = (each: EnvVariable, format: string) =>
  [each.name, formatVariable(each, format, (_, value) => value)] as const

/** Formats a variable. No format carries NUL or a lone surrogate; more limits depend on the format. */
function formatVariable(
  { name, value }: EnvVariable,
  format: string,
  write: (name: string, value: string) => string | undefined,
): string {
  const text = revealText(value)
  const words = /[\0\p{Cs}]/u.test(text) ? undefined : write(name, text)
  if (words !== undefined) return words
  throw new DaypassError('usage', `${format} cannot carry the value of ${name}`, {
    hint: (command) =>
      `for one program, whatever it is written in: ${command({ verb: 'exec', flags: ['--', 'CMD'] })}`,
  })
}

const revealText = (value: string | Secret) => (typeof value === 'string' ? value : value.reveal())

/** Returns the format of the shell that most likely started us. */
export function detectEnvFormat(shell: string | undefined, platform: NodeJS.Platform): EnvFormat {
  const name = shell
    ?.split(/[/\\]/)
    .at(-1)
    ?.replace(/\.exe$/i, '')
  if (name === 'fish' || name === 'nu') return name
  if (name === 'pwsh' || name === 'powershell') return 'powershell'
  return !name && platform === 'win32' ? 'powershell' : 'bash'
}
