import { contentType, FORM } from '../../../src/testing/message.ts'
import type { Ask } from './message.ts'

type Names = Readonly<Record<string, string>>

/** What Sign-In knows, by the names of its JSON; the names of the form stand beside them. */
const FORM_NAMES: Names = {
  client_id: 'clientId',
  grant_type: 'grantType',
  code: 'code',
  code_verifier: 'codeVerifier',
  redirect_uri: 'redirectUri',
  refresh_token: 'refreshToken',
}

const WANTED: Readonly<Record<string, readonly string[]>> = {
  authorization_code: ['clientId', 'grantType', 'code', 'codeVerifier', 'redirectUri'],
  refresh_token: ['clientId', 'grantType', 'refreshToken'],
}

/** Texts by the names of JSON. */
export type Fields = Readonly<Record<string, string>>

export interface TokenRequest {
  fields: Fields
  /** A form is answered in snake_case. */
  form: boolean
}

function readJson(body: string): Fields | string {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the body is no object'
    const odd = Object.entries(value).find(([, text]) => typeof text !== 'string')
    return odd === undefined ? (value as Fields) : `${odd[0]} is not a text`
  } catch {
    return 'the body is not JSON'
  }
}

function readForm(body: string): Fields | string {
  const fields: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(body)) {
    const known = FORM_NAMES[name]
    if (known === undefined) return `${name} is not a parameter`
    if (known in fields) return `${name} is given twice`
    fields[known] = value
  }
  return fields
}

function fieldsOf(ask: Ask): Fields | string {
  const type = contentType(ask)
  if (type === 'application/json') return readJson(ask.body)
  return type === FORM ? readForm(ask.body) : 'the content type is neither JSON nor a form'
}

/** Exactly the members of the grant: what AWS would ignore is a mistake of the client's all the same. */
function membersProblem(fields: Fields): string | undefined {
  const wanted = WANTED[fields.grantType ?? '']
  if (wanted === undefined) return 'grantType is missing or not supported'
  const missing = wanted.find((name) => (fields[name] ?? '') === '')
  if (missing !== undefined) return `${missing} is missing`
  const odd = Object.keys(fields).find((name) => !wanted.includes(name))
  return odd === undefined ? undefined : `${odd} does not belong to this grant`
}

/** Which grant a request is about, whatever else may be wrong with it. */
export function grantOf(ask: Ask): 'code' | 'refresh' | 'token' {
  const fields = fieldsOf(ask)
  if (typeof fields === 'string') return 'token'
  if (fields.grantType === 'authorization_code') return 'code'
  return fields.grantType === 'refresh_token' ? 'refresh' : 'token'
}

export function readTokenRequest(ask: Ask): TokenRequest | string {
  if (ask.headers.authorization !== undefined) return 'the request must not be signed'
  const fields = fieldsOf(ask)
  if (typeof fields === 'string') return fields
  return membersProblem(fields) ?? { fields, form: contentType(ask) === FORM }
}
