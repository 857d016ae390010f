import * as oauth from 'oauth4webapi'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import { shown } from '../core/text.ts'
import { refusalError, refusalOf } from './refusal.ts'
import { clientAuth, endpointUrl, type Party } from './server.ts'
import { send } from './wire.ts'

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

/** Asks for a device code (RFC 8628 §3.1). */
export async function authorizeDevice(party: Party, scopes: readonly string[]): Promise<DeviceAuthorization> {
  const { port, server, client } = party
  const url = endpointUrl(server.metadata.device_authorization_endpoint ?? '', 'the device endpoint')
  const parameters: Record<string, string> = scopes.length > 0 ? { scope: scopes.join(' ') } : {}
  const by = { client_id: client.id }
  const answer = await send(port, url, (options) =>
    oauth.deviceAuthorizationRequest(server.metadata, by, clientAuth(server, client), parameters, options),
  )
  if (answer.status !== 200 || !answer.json)
    throw refusalError(refusalOf(answer, url.host, party), {
      hint: 'log in another way: --method browser, or --no-browser',
    })
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } =
    answer.json
  if (typeof device_code !== 'string' || typeof user_code !== 'string') {
    throw new DaypassError('refused', `${url.host} gave no device code`)
  }
  return {
    deviceCode: new Secret(device_code),
    userCode: shown(user_code),
    verificationUri: webPage(verification_uri),
    ...(verification_uri_complete !== undefined && {
      verificationUriComplete: webPage(verification_uri_complete),
    }),
    expiresIn: (Number(expires_in) || 900) * 1000,
    interval: Math.max(1_000, Number(interval) * 1000 || DEFAULT_INTERVAL),
  }
}

/** A page a person is sent to. Never opened by us: it may lie on a host of its own. */
function webPage(text: unknown): string {
  return endpointUrl(String(text), 'the verification page').href
}
