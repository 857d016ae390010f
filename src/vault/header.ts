import { DaypassError } from '../core/errors.ts'
import { STORE_NAMES } from '../core/stores.ts'
import type { Header, KeyLocation } from '../core/types.ts'

/** The least a header says; a login that was started says no more. */
export interface Clear {
  v: 1
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
const PLACES: readonly unknown[] = Object.values(STORE_NAMES).filter((store) => store !== 'auto')

/** Becomes part of a file's name, and is read before anything is authenticated. */
const KEY_ID = /^[a-z0-9]{1,64}$/

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'
const time: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const flag: Check = (value) => typeof value === 'boolean'
const record: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const texts: Check = (value) => record(value) && Object.values(value as object).every(text)
const absentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const SHAPE: Record<Exclude<keyof Header, keyof Clear>, Check> = {
  kind: text,
  provider: text,
  params: texts,
  endpoints: absentOr(texts),
  clientId: absentOr(text),
  clientAuth: absentOr((value) => value === 'post' || value === 'basic'),
  method: (value) => METHODS.includes(value),
  account: absentOr(texts),
  issuedAt: absentOr(time),
  expiresAt: absentOr(time),
  sessionExpiresAt: absentOr(time),
  renewable: flag,
  clockOffset: absentOr(time),
  lastRenewal: absentOr((value) => record(value) && time((value as { beganAt?: unknown }).beganAt)),
  unanswered: absentOr(time),
  lostRenewals: absentOr(time),
  madeFrom: absentOr(text),
  home: absentOr((value) => texts(value) && text((value as { path?: unknown }).path)),
  loginRequired: absentOr(text),
  createdAt: time,
}

/** What every first line says. `name` is what its file is called. */
export function clearPart(line: string, name: string): Clear {
  const said = parse(line, name)
  if (said.v !== 1) throw ofAnotherVersion(name, said.v)
  if (said.name !== name) throw damaged(name, 'it belongs to another identity')
  if (said.key !== undefined && !isKeyLocation(said.key)) throw damaged(name, 'its key is not named')
  return said as unknown as Clear
}

function headerPart(clear: Clear): Header {
  const said = clear as unknown as Record<string, unknown>
  const wrong = Object.entries(SHAPE).find(([field, check]) => !check(said[field]))
  if (wrong !== undefined) throw damaged(clear.name, `its header has no proper ${wrong[0]}`)
  return said as unknown as Header
}

export function isKeyLocation(value: unknown): value is KeyLocation {
  if (!record(value)) return false
  const { id, where } = value as Record<string, unknown>
  return typeof id === 'string' && KEY_ID.test(id) && PLACES.includes(where)
}

function parse(line: string, name: string): Record<string, unknown> {
  try {
    const said: unknown = JSON.parse(line)
    if (record(said)) return said as Record<string, unknown>
  } catch {
    // JSON.parse quotes what it read; a record's text has no place in an error.
  }
  throw damaged(name, 'its header is not JSON')
}

function ofAnotherVersion(name: string, version: unknown): DaypassError {
  if (typeof version !== 'number') return damaged(name, 'its header has no version')
  return new DaypassError('vault', `the record of \`${name}\` was written by a newer daypass`, {
    hint: 'update daypass: npm install -g daypass',
  })
}

export function damaged(name: string, why: string, cause?: unknown): DaypassError {
  const whose = name.startsWith('__') ? 'a started login' : `\`${name}\``
  return new DaypassError('vault', `the record of ${whose} cannot be opened: ${why}`, {
    hint: name.startsWith('__')
      ? 'start the login again'
      : (command) =>
          `${command({ verb: 'login', identity: name })} (the old record is moved aside, not deleted)`,
    cause,
  })
}

/** An identity's clear header. `name` is what the file is called: a header that says another is refused. */
export function decodeHeader(text: string, name: string): Header {
  return headerPart(clearPart(lines(text, name)[0], name))
}

export function decodeClear(text: string, name: string): Clear {
  return clearPart(lines(text, name)[0], name)
}

/** The two lines of a record; the second is there where something is sealed. */
export function lines(text: string, name: string): [header: string, body: string | undefined] {
  if (!text.endsWith('\n')) throw damaged(name, text === '' ? 'it is empty' : 'it was cut short')
  const parts = text.slice(0, -1).split('\n')
  if (parts.length > 2) throw damaged(name, 'it has more lines than a record')
  return [parts[0] ?? '', parts[1]]
}
