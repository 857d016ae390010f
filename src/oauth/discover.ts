import * as oauth from 'oauth4webapi'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { mayBeThisMachine } from '../core/loopback.ts'
import { sanitize } from '../core/text.ts'
import { classifyRefusal } from './refusal.ts'
import { parseEndpointUrl, type Server } from './server.ts'
import { sendOAuthRequest, type WirePort } from './wire.ts'

/**
 * Reads a server's metadata: OpenID Connect Discovery 1.0 §4, then RFC 8414 §3. The issuer in it must be the
 * requested one (RFC 8414 §3.3), and every endpoint must be https or loopback.
 */
export async function discover(port: WirePort, issuer: string): Promise<Server> {
  const url = parseEndpointUrl(issuer, 'the issuer')
  let missing: DaypassError | undefined
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    const answer = await sendOAuthRequest(port, url, (options) =>
      oauth.discoveryRequest(url, { ...options, algorithm }),
    )
    if (answer.status === 200 && answer.json) {
      const found = await parseMetadata(url, answer.response)
      return { ...found, isOpenId: algorithm === 'oidc' }
    }
    const refusal = classifyRefusal(answer, url.host, { invalidGrantCodes: [] })
    if (refusal.kind === 'passing' && answer.status >= 400) throw new DaypassError('network', refusal.message)
    missing = new DaypassError('configuration', `${url.href} publishes no metadata (${refusal.message})`, {
      hint: 'check the issuer, or write the endpoints into config.yaml: authorization, token, revocation',
    })
  }
  throw missing!
}

const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
] as const

/** Lists that decide what is requested. A value that is not a list is ignored. */
const LISTS = ['scopes_supported', 'token_endpoint_auth_methods_supported'] as const

const isTextList = (value: unknown) => Array.isArray(value) && value.every((each) => typeof each === 'string')

/** Refuses loopback endpoints of a remote issuer: they would send requests to services of this machine. */
function assertEndpoint(issuer: URL, text: string, what: string): void {
  const url = parseEndpointUrl(text, what)
  if (!mayBeThisMachine(url.hostname) || mayBeThisMachine(issuer.hostname)) return
  throw new DaypassError('configuration', `${what} is on this machine, and ${issuer.host} is not`)
}

async function parseMetadata(issuer: URL, response: Response): Promise<Server> {
  try {
    const metadata = await oauth.processDiscoveryResponse(issuer, response)
    for (const name of ENDPOINTS) {
      // Some servers write null for an endpoint that they do not have.
      if (metadata[name] === null) delete metadata[name]
      if (metadata[name] !== undefined) assertEndpoint(issuer, metadata[name], `the server's ${name}`)
    }
    for (const name of LISTS) if (!isTextList(metadata[name])) delete metadata[name]
    return { metadata, issuerKnown: true }
  } catch (error) {
    if (isDaypassError(error)) throw error
    const words = error instanceof Error ? error.message : error
    throw new DaypassError(
      'configuration',
      `the metadata of ${issuer.host} is not usable: ${sanitize(words)}`,
      {
        hint: 'the issuer must be written exactly as the server writes it, trailing slash included',
      },
    )
  }
}
