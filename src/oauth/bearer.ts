import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { isVisible } from './wire.ts'

/** Adds the token to a copy of the request (RFC 6750 §2.1). */
export function addBearer(request: Request, token: Secret): Request {
  const headers = new Headers(request.headers)
  headers.set('authorization', `Bearer ${revealBearer(token)}`)
  return new Request(request, { headers })
}

/** Checked here because the error of `Headers` quotes the value that it refuses. */
export function revealBearer(token: Secret): string {
  const text = token.reveal()
  if (isVisible(text)) return text
  throw new DaypassError('usage', 'the token holds characters that no request can carry', {
    hint: 'copy it again, without line breaks',
  })
}

/** Encodes the token as the password of a user (RFC 7617). */
export function encodeBasic(user: string, token: Secret): string {
  return Buffer.from(`${user}:${revealBearer(token)}`).toString('base64')
}
