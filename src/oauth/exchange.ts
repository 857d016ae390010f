/** An access token in, keys of a cloud out, where a service issues keys for its tokens. */
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
  /** `wantsNewer`: a newer access token would not be refused. */
  | { refusal: Refusal; wantsNewer: boolean }

/** Spends nothing: the token is as good afterwards as it was before. Throws `network` when there is no answer. */
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

/** Some answers do not say until when, or not in words that anyone reads: no keys live shorter than this. */
const SHORTEST_KEY_LIFETIME = 15 * 60_000

function parseExchangedKeys(
  { exchange }: ClientContext,
  { json = {}, sentAt, clockOffset }: OAuthResponse,
  host: string,
): ExchangeResult {
  const keys = exchange!.parseKeys(json)
  // What was read may be keys: nothing of it is shown.
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
  // Its words for a dead grant are about this one token here, and the grant may be as good as ever.
  const refusal = classifyRefusal(answer, host, {
    invalidGrantCodes: [],
    ambiguousCodes: [...invalidGrantCodes],
    ...(!wantsNewer && { errorMessages: errorMessages }),
  })
  return {
    refusal: wantsNewer && refusal.kind === 'refused' ? explainShortToken(refusal) : refusal,
    wantsNewer,
  }
}

/** Another login would end where this one does, unless the next token has more left. */
const explainShortToken = (refusal: Refusal): Refusal => ({
  ...refusal,
  message: `its access token has too little left to be exchanged for keys (${refusal.message})`,
  hint: 'let the application issue access tokens that live for half an hour at least',
})
