import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Credential, Host } from '../core/types.ts'
import { revealBearer } from './bearer.ts'
import { createUnreachableError, sendHttpRequest } from './http.ts'
import { parseEndpointUrl } from './server.ts'

/**
 * Sends a credential to a URL that answers any valid one. Throws `login_required` on 401, `network` where a
 * retry may help, else `refused`.
 */
export async function ping(
  port: Pick<Host, 'fetch' | 'now'>,
  where: string,
  credential: Credential,
): Promise<void> {
  const url = parseEndpointUrl(where, 'the API')
  const headers = { accept: 'application/json', authorization: formatAuthorization(credential) }
  // Redirects are not followed, so no other host sees the credential.
  const { status } = await sendHttpRequest(port, url, { headers, redirect: 'manual' }).catch(
    (error: unknown) => {
      throw isDaypassError(error) ? error : createUnreachableError(url, error)
    },
  )
  if (status === 200) return
  const what = credential.kind === 'keys' ? 'these keys' : 'this token'
  if (status === 401) throw new DaypassError('login_required', `${url.host} does not take ${what} (401)`)
  const passing = status >= 500 || status === 429 || status === 408
  throw new DaypassError(passing ? 'network' : 'refused', `${url.host} answered ${status}`, {
    hint: passing ? 'that is the trouble of the server: try again in a while' : undefined,
  })
}

/** Formats a bearer token (RFC 6750 §2.1) or keys (RFC 7617). */
function formatAuthorization(credential: Credential): string {
  if (credential.kind === 'bearer') return `Bearer ${revealBearer(credential.token)}`
  const pair = `${credential.accessKeyId}:${credential.secretAccessKey.reveal()}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
