import * as oauth from 'oauth4webapi'
import { isDaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { classifyRefusal } from './refusal.ts'
import { type ClientContext, createClientAuth, parseEndpointUrl } from './server.ts'
import { sendOAuthRequest } from './wire.ts'

export type Revocation =
  | { outcome: 'revoked' }
  | { outcome: 'unsupported' }
  | { outcome: 'failed'; why: string }

/** Revokes a token at the server (RFC 7009). Never throws: a failure must not prevent the local deletion. */
export async function revoke(
  context: ClientContext,
  token: Secret,
  hint: 'refresh_token' | 'access_token',
): Promise<Revocation> {
  const { port, server, client } = context
  const endpoint = server.metadata.revocation_endpoint
  if (!endpoint) return { outcome: 'unsupported' }
  try {
    const url = parseEndpointUrl(endpoint, 'the revocation endpoint')
    const answer = await sendOAuthRequest(port, url, (options) =>
      oauth.revocationRequest(
        server.metadata,
        { client_id: client.id },
        createClientAuth(server, client),
        token.reveal(),
        {
          ...options,
          additionalParameters: { token_type_hint: hint },
        },
      ),
    )
    if (answer.status >= 200 && answer.status < 300) return { outcome: 'revoked' }
    return { outcome: 'failed', why: classifyRefusal(answer, url.host, context).message }
  } catch (error) {
    return { outcome: 'failed', why: isDaypassError(error) ? error.message : 'the request could not be made' }
  }
}

/** Revokes the refresh token, which ends its access tokens too (RFC 7009 §2.1), else the access token. */
export async function revokeIssued(
  context: ClientContext,
  { refreshToken, accessToken }: { refreshToken?: Secret | undefined; accessToken?: Secret | undefined },
): Promise<Revocation> {
  if (refreshToken) return revoke(context, refreshToken, 'refresh_token')
  return accessToken ? revoke(context, accessToken, 'access_token') : { outcome: 'unsupported' }
}
