import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { revealBearer } from './bearer.ts'
import { type ProofKey, sendWithProof } from './dpop.ts'
import { classifyRefusal, createRefusalError } from './refusal.ts'
import { parseEndpointUrl } from './server.ts'
import type { Json, WirePort } from './wire.ts'

/**
 * Reads the profile of the token's account (OpenID Connect Core §5.3, or a vendor's own), or another resource
 * of the API. A bare list is returned as `data`.
 */
export async function fetchProfile(
  port: WirePort,
  where: { url: string; headers?: Record<string, string> },
  token: Secret,
  proofKey?: ProofKey,
): Promise<Json> {
  const url = parseEndpointUrl(where.url, 'the profile endpoint')
  const headers = new Headers({ accept: 'application/json', ...where.headers })
  const answer = await sendWithProof(port, url, proofKey, (options) =>
    oauth.protectedResourceRequest(revealBearer(token), 'GET', url, headers, undefined, options),
  )
  if (answer.status === 200 && answer.json) return answer.json
  if (answer.status === 401) {
    throw new DaypassError('login_required', `${url.host} refused the token (${answer.status})`, {
      hint: 'make a new one there, with the scopes that it needs, and log in with it',
    })
  }
  const refusal = classifyRefusal(answer, url.host, { invalidGrantCodes: [] })
  // A code that may mean a dead grant at a token endpoint is only a refusal at a resource.
  throw createRefusalError(refusal.kind === 'unclear' ? { ...refusal, kind: 'refused' } : refusal)
}
