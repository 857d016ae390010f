/** Exchanges an access token for keys of a cloud, where a service issues keys for its tokens. */
import * as oauth from 'oauth4webapi'
import { parseTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { KeysCredential } from '../core/types.ts'
import { revealBearer } from './bearer.ts'
import { classifyRefusal, type Refusal } from './refusal.ts'
import { type ClientContext, EXCHANGE_ENDPOINT, parseEndpointUrl } from './server.ts'
import { type OAuthResponse, sendOAuthRequest } from './wire.ts'

export type ExchangeResult =
  | { credential: KeysCredential; clockOffset: number }
  /** `wantsNewer`: a newer access token would be accepted. */
  | { refusal: Refusal; wantsNewer: boolean }

/** Exchanges the token without spending it. Throws `network` when there is no response. */
export async function exchangeToken(context: ClientContext, token: Secret): Promise<ExchangeResult> {
  const { server, port } = context
  const url = parseEndpointUrl(String(server.metadata[EXCHANGE_ENDPOINT]), 'the exchange endpoint')
  const headers = new Headers({
    accept: 'application/json',
    authorization: `Bearer ${revealBearer(token)}`,
    'content-type': 'application/json',
  })
  const answer = await sendOAuthRequest(port, url, (options) =>
    options[oauth.customFetch](url.href, { method: 'POST', headers, body: '{}', redirect: 'manual' }),
  )
  return answer.status === 200
    ? parseExchangedKeys(context, answer, url.host)
    : classifyExchangeRefusal(context, answer, url.host)
}

/** Lifetime in milliseconds where the response has no readable expiry: the shortest that a service issues. */
const SHORTEST_KEY_LIFETIME = 15 * 60_000

function parseExchangedKeys(
  { exchange }: ClientContext,
  { json = {}, sentAt, clockOffset }: OAuthResponse,
  host: string,
): ExchangeResult {
  const keys = exchange!.parseKeys(json)
  // The response may hold keys, so the message shows nothing of it.
  if (!keys) throw new DaypassError('network', `${host} gave an answer without keys`)
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = keys
  const issuedAt = sentAt + clockOffset
  const credential: KeysCredential = {
    kind: 'keys',
    cloud: exchange!.cloud,
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: new Secret(sessionToken),
    issuedAt,
    expiresAt: parseTime(expiration) ?? issuedAt + SHORTEST_KEY_LIFETIME,
  }
  return { credential, clockOffset }
}

function classifyExchangeRefusal(
  { exchange, invalidGrantCodes, errorMessages }: ClientContext,
  answer: OAuthResponse,
  host: string,
): ExchangeResult {
  const { status, json = {} } = answer
  const [error, description] = [String(json.error ?? ''), String(json.error_description ?? '')]
  const wantsNewer = exchange!.wantsNewer({ status, error, description })
  // These codes are about this access token; the grant itself may still be valid.
  const refusal = classifyRefusal(answer, host, {
    invalidGrantCodes: [],
    ambiguousCodes: [...invalidGrantCodes],
    ...(!wantsNewer && { errorMessages }),
  })
  return {
    refusal: wantsNewer && refusal.kind === 'refused' ? explainShortToken(refusal) : refusal,
    wantsNewer,
  }
}

/** A new login would end the same way, unless its token lives longer. */
const explainShortToken = (refusal: Refusal): Refusal => ({
  ...refusal,
  message: `its access token has too little left to be exchanged for keys (${refusal.message})`,
  hint: 'let the application issue access tokens that live for half an hour at least',
})
