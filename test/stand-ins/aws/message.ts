import { randomUUID } from 'node:crypto'
import type * as cloud from '../serve.ts'
import type { DoorName, SignInError } from './options.ts'

export type { Reply } from '../serve.ts'

export interface Ask extends cloud.Ask {
  region: string
  /** Scheme, host and port that the client spoke to. */
  base: string
}

export type Door = cloud.Door<DoorName, Ask>

export function json(status: number, body: unknown, headers: Record<string, string> = {}): cloud.Reply {
  const common = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-amzn-requestid': randomUUID(),
  }
  return { status, headers: { ...common, ...headers }, body: JSON.stringify(body) }
}

interface Exception {
  status: number
  type: string
  error: string
  message: string
  headers?: Record<string, string>
}

const EXCEPTIONS: Record<SignInError, Exception> = {
  TOKEN_EXPIRED: {
    status: 401,
    type: 'AccessDeniedException',
    error: 'TOKEN_EXPIRED',
    message: 'The refresh token has expired',
  },
  AUTHCODE_EXPIRED: {
    status: 401,
    type: 'AccessDeniedException',
    error: 'AUTHCODE_EXPIRED',
    message: 'The authorization code has expired',
  },
  USER_CREDENTIALS_CHANGED: {
    status: 403,
    type: 'AccessDeniedException',
    error: 'USER_CREDENTIALS_CHANGED',
    message: 'The credentials of the user have changed',
  },
  INSUFFICIENT_PERMISSIONS: {
    status: 403,
    type: 'AccessDeniedException',
    error: 'INSUFFICIENT_PERMISSIONS',
    message: 'Insufficient permissions for signin:CreateOAuth2Token',
  },
  INVALID_REQUEST: {
    status: 400,
    type: 'ValidationException',
    error: 'INVALID_REQUEST',
    message: 'The request is not valid',
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    type: 'TooManyRequestsError',
    error: 'INVALID_REQUEST',
    message: 'Too many requests',
    headers: { 'retry-after': '1' },
  },
  server_error: {
    status: 500,
    type: 'InternalServerException',
    error: 'server_error',
    message: 'An internal error occurred',
  },
}

export const isSignInError = (code: string): code is SignInError => Object.hasOwn(EXCEPTIONS, code)

/** A no of Sign-In: the SDKs read the exception from the header, and the reason from `error`. */
export function refused(code: SignInError, why = EXCEPTIONS[code].message): cloud.Reply {
  const { status, type, error, headers } = EXCEPTIONS[code]
  const reply = json(status, { error, message: why }, { ...headers, 'x-amzn-errortype': type })
  return { ...reply, refusal: { code, why } }
}

export const invalid = (why: string): cloud.Reply => refused('INVALID_REQUEST', why)
