import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { sanitize } from '../core/text.ts'
import { classifyRefusal, createRefusalError } from './refusal.ts'
import { type ClientContext, createClientAuth, parseEndpointUrl } from './server.ts'
import { sendOAuthRequest } from './wire.ts'

/** RFC 8628 §3.2. */
export interface DeviceAuthorization {
  deviceCode: Secret
  userCode: string
  verificationUri: string
  verificationUriComplete?: string
  /** Milliseconds. */
  expiresIn: number
  /** Milliseconds between polls; at least 1 s. */
  interval: number
}

const DEFAULT_INTERVAL = 5_000

/** Requests a device code (RFC 8628 §3.1). */
export async function authorizeDevice(
  context: ClientContext,
  scopes: readonly string[],
): Promise<DeviceAuthorization> {
  const { port, server, client } = context
  const url = parseEndpointUrl(server.metadata.device_authorization_endpoint ?? '', 'the device endpoint')
  const parameters: Record<string, string> = scopes.length > 0 ? { scope: scopes.join(' ') } : {}
  const by = { client_id: client.id }
  const answer = await sendOAuthRequest(port, url, (options) =>
    oauth.deviceAuthorizationRequest(
      server.metadata,
      by,
      createClientAuth(server, client),
      parameters,
      options,
    ),
  )
  if (answer.status !== 200 || !answer.json)
    throw createRefusalError(classifyRefusal(answer, url.host, context), {
      hint: 'log in another way: --method browser, or --no-browser',
    })
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } =
    answer.json
  if (typeof device_code !== 'string' || typeof user_code !== 'string') {
    throw new DaypassError('refused', `${url.host} gave no device code`)
  }
  return {
    deviceCode: new Secret(device_code),
    userCode: sanitize(user_code),
    verificationUri: parseVerificationUri(verification_uri),
    ...(verification_uri_complete !== undefined && {
      verificationUriComplete: parseVerificationUri(verification_uri_complete),
    }),
    expiresIn: (Number(expires_in) || 900) * 1000,
    interval: Math.max(1_000, Number(interval) * 1000 || DEFAULT_INTERVAL),
  }
}

/** Checks the page that a person must open. It may be on another host, and daypass does not open it. */
function parseVerificationUri(text: unknown): string {
  return parseEndpointUrl(String(text), 'the verification page').href
}
