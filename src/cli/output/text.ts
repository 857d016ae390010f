import { styleText } from 'node:util'
import type { Listed } from '../../client/list.ts'
import { formatDuration } from '../../core/duration.ts'
import { sanitize } from '../../core/text.ts'
import type { Method } from '../../core/types.ts'
import { paintOwn } from '../../platform/terminal.ts'

type Style = Parameters<typeof styleText>[0]

/** Paints for a stream that shows colours; returns plain text for any other stream, and under `NO_COLOR`. */
export type Paint = (style: Style, text: string) => string

export function createPainter(
  stream: NodeJS.WritableStream & { isTTY?: boolean },
  env: NodeJS.ProcessEnv,
): Paint {
  const colours = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return (style, text) =>
    colours ? paintOwn(text, (clean) => styleText(style, clean, { validateStream: false })) : text
}

/** Formats columns as wide as their widest cell, two spaces apart. The first row is the head. */
export function formatTable(rows: readonly (readonly string[])[], paint: Paint): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const formatLine = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return rows.map((row, index) => (index === 0 ? paint('dim', formatLine(row)) : formatLine(row))).join('\n')
}

/** Formats names on the left and values on the right; leaves out empty values. */
export function formatSheet(
  lines: readonly (readonly [string, string | undefined | null])[],
  paint: Paint,
): string {
  const said = lines.filter((line): line is [string, string] => Boolean(line[1]))
  const width = Math.max(...said.map(([name]) => name.length))
  return said.map(([name, value]) => `  ${paint('dim', name.padEnd(width))}  ${value}`).join('\n')
}

const STATES = { valid: 'green', stale: 'yellow', expired: 'red', login_required: 'red' } as const

export function formatState({ row, why, timeLeft }: Listed, paint: Paint): string {
  const words = {
    valid: row.expires_at === null ? 'valid' : `valid, ${formatDuration(timeLeft)} left`,
    stale: 'stale: it is renewed at the next use',
    expired: 'expired, and it cannot be renewed',
    login_required: `a login is needed${why === undefined ? '' : `: ${sanitize(why)}`}`,
  }
  return paint(STATES[row.state], words[row.state])
}

const STORES: Record<string, string> = {
  keychain: 'the vault, its key in the keychain of this system',
  file: 'the vault, its key in a file beside it (mode 0600)',
  memory: 'this process alone',
  'aws-login-cache': 'the login cache of the AWS tools, in clear (mode 0600), where they renew it, too',
  config: 'config.yaml',
  environment: 'the environment',
}

export const formatStore = (store: string | null) => (store === null ? undefined : STORES[store])

const METHODS: Record<Method | 'environment', string> = {
  browser: 'browser login',
  paste: 'browser login, its answer pasted',
  device: 'device code',
  token: 'personal access token',
  keys: 'static keys',
  derived: 'another identity',
  environment: 'a variable of the environment',
}

export const formatMethod = (method: Method | 'environment' | null) =>
  method === null ? undefined : METHODS[method]

export function formatExpiry({ row, timeLeft, header }: Listed): string | undefined {
  // A role without a credential has no end either.
  if (row.method === null || (row.expires_at === null && row.state !== 'valid')) return undefined
  if (row.expires_at === null) return 'never, until it is revoked'
  const renewal = header?.renewable ? ', then renews itself' : ''
  return timeLeft > 0
    ? `${row.expires_at} (${formatDuration(timeLeft)} left${renewal})`
    : `${row.expires_at} (over)`
}

/** Formats the time after which only a person can renew it. */
export function formatSession({ row, header }: Listed, now: number): string | undefined {
  const { session_expires_at: end } = row
  if (end === null || !header?.key) return undefined
  const left = Date.parse(end) - now
  return left > 0 ? `${end} (${formatDuration(left)} left), then a new login` : `${end} (over)`
}

/** `ada@example.com (Ada Lovelace)`, as far as known. */
export function formatAccount({ row, header }: Listed): string | undefined {
  const { account } = row
  const person = header?.account?.nameOfPerson
  if (account === null) return undefined
  return person && person !== account ? `${sanitize(account)} (${sanitize(person)})` : sanitize(account)
}
