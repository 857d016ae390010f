import { DaypassError } from '../core/errors.ts'
import { STORE_NAMES } from '../core/stores.ts'
import type { Header, KeyLocation } from '../core/types.ts'

/** The fields of every header; a started login has no others. */
export interface ClearHeader {
  /** Of a record that is written it is 2, whatever it was before. */
  v: 1 | 2
  name: string
  key?: KeyLocation
}

const METHODS: readonly unknown[] = [
  'browser',
  'paste',
  'device',
  'token',
  'keys',
  'derived',
] satisfies Header['method'][]
const KEY_PLACES: readonly unknown[] = Object.values(STORE_NAMES).filter((store) => store !== 'auto')

/** The id becomes part of a file name, and is read before anything is authenticated. */
const KEY_ID = /^[a-z0-9]{1,64}$/

type Check = (value: unknown) => boolean
const isString: Check = (value) => typeof value === 'string'
const isTime: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const isFlag: Check = (value) => typeof value === 'boolean'
const isRecord: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isStringRecord: Check = (value) => isRecord(value) && Object.values(value as object).every(isString)
const allowAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const SHAPE: Record<Exclude<keyof Header, keyof ClearHeader>, Check> = {
  kind: isString,
  provider: isString,
  params: isStringRecord,
  endpoints: allowAbsent(isStringRecord),
  ambient: allowAbsent(isStringRecord),
  clientId: allowAbsent(isString),
  clientAuth: allowAbsent((value) => value === 'post' || value === 'basic'),
  method: (value) => METHODS.includes(value),
  account: allowAbsent(isStringRecord),
  issuedAt: allowAbsent(isTime),
  expiresAt: allowAbsent(isTime),
  sessionExpiresAt: allowAbsent(isTime),
  renewable: isFlag,
  clockOffset: allowAbsent(isTime),
  lastRenewal: allowAbsent((value) => isRecord(value) && isTime((value as { beganAt?: unknown }).beganAt)),
  unanswered: allowAbsent(isTime),
  lostRenewals: allowAbsent(isTime),
  madeFrom: allowAbsent(isString),
  home: allowAbsent((value) => isStringRecord(value) && isString((value as { path?: unknown }).path)),
  loginRequired: allowAbsent(isString),
  createdAt: isTime,
}

/** Parses the fields of every header. `name` is the name of the file. */
export function parseClearHeader(line: string, name: string): ClearHeader {
  const said = parseHeaderLine(line, name)
  if (said.v !== 1 && said.v !== 2) throw createVersionError(name, said.v)
  if (said.name !== name) throw createDamagedError(name, 'it belongs to another identity')
  if (said.key !== undefined && !isKeyLocation(said.key))
    throw createDamagedError(name, 'its key is not named')
  return said as unknown as ClearHeader
}

function validateHeader(clear: ClearHeader): Header {
  const said = clear as unknown as Record<string, unknown>
  const wrong = Object.entries(SHAPE).find(([field, check]) => !check(said[field]))
  if (wrong !== undefined) throw createDamagedError(clear.name, `its header has no proper ${wrong[0]}`)
  return said as unknown as Header
}

export function isKeyLocation(value: unknown): value is KeyLocation {
  if (!isRecord(value)) return false
  const { id, where } = value as Record<string, unknown>
  return typeof id === 'string' && KEY_ID.test(id) && KEY_PLACES.includes(where)
}

function parseHeaderLine(line: string, name: string): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(line)
    if (isRecord(said)) return said as Record<string, unknown>
  } catch {
    // JSON.parse quotes its input, and an error must not show a record's text.
  }
  throw createDamagedError(name, 'its header is not JSON')
}

function createVersionError(name: string, version: unknown): DaypassError {
  if (typeof version !== 'number') return createDamagedError(name, 'its header has no version')
  return new DaypassError('vault', `the record of \`${name}\` was written by a newer daypass`, {
    hint: 'update daypass: npm install -g daypass',
  })
}

export function createDamagedError(name: string, why: string, cause?: unknown): DaypassError {
  const whose = name.startsWith('__') ? 'a started login' : `\`${name}\``
  return new DaypassError('vault', `the record of ${whose} cannot be opened: ${why}`, {
    hint: name.startsWith('__')
      ? 'start the login again'
      : (command) =>
          `${command({ verb: 'login', identity: name })} (the old record is moved aside, not deleted)`,
    cause,
  })
}

/** Reads an identity's header. `name` is the name of the file; a header with another name is refused. */
export function decodeHeader(content: string, name: string): Header {
  return validateHeader(parseClearHeader(splitRecord(content, name)[0], name))
}

export function decodeClear(content: string, name: string): ClearHeader {
  return parseClearHeader(splitRecord(content, name)[0], name)
}

/** Behind the header stand the sealed parts: none, one of version 1, or two. */
export type RecordLines = [header: string, first?: string, second?: string]

export function splitRecord(content: string, name: string): RecordLines {
  if (!content.endsWith('\n'))
    throw createDamagedError(name, content === '' ? 'it is empty' : 'it was cut short')
  const [header = '', ...parts] = content.slice(0, -1).split('\n')
  if (parts.length > 2) throw createDamagedError(name, 'it has more lines than a record')
  return [header, ...(parts as [string?, string?])]
}
