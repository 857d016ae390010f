/** What league/oauth2-server says no with, in its own words (`OAuthServerException`). */
import { NO_STORE, type Reply } from '../../../src/testing/message.ts'

const MESSAGES = {
  invalid_request:
    'The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.',
  invalid_client: 'Client authentication failed',
  invalid_grant:
    'The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
  access_denied: 'The resource owner or authorization server denied the request.',
} as const

export type LeagueError = keyof typeof MESSAGES

export function payload(error: LeagueError, hint?: string, message: string = MESSAGES[error]) {
  return { error, error_description: message, ...(hint && { hint }), message }
}

export function refused(error: LeagueError, hint?: string): Reply {
  const status = error === 'invalid_client' ? 401 : 400
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="OAuth"' } : undefined
  return { status, headers: { ...NO_STORE, ...challenge }, json: payload(error, hint) }
}

export const malformed = (parameter: string) =>
  refused('invalid_request', `Check the \`${parameter}\` parameter`)

/** Until release 9 it has a code and a status that nobody else uses for it. */
export function badRefreshToken(release: 8 | 9, hint: string): Reply {
  if (release === 9) return refused('invalid_grant', hint)
  return {
    status: 401,
    headers: NO_STORE,
    json: payload('invalid_request', hint, 'The refresh token is invalid.'),
  }
}
