/** An access token in, keys of a cloud out, where a service issues keys for its tokens. */
import * as oauth from 'oauth4webapi'
import { timeOf } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { KeysCredential } from '../core/types.ts'
import { bearerText } from './bearer.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { EXCHANGE, endpointUrl, type Party } from './server.ts'
import { type Answer, send } from './wire.ts'

export type Exchanged =
  | { credential: KeysCredential; clockOffset: number }
  /** `wantsNewer`: a newer access token would not be refused. */
  | { refusal: Refusal; wantsNewer: boolean }

/** Spends nothing: the token is as good afterwards as it was before. Throws `network` when there is no answer. */
export async function exchangeToken(party: Party, token: Secret): Promise<Exchanged> {
  const { server, port } = party
  const url = endpointUrl(String(server.metadata[EXCHANGE]), 'the exchange endpoint')
  const headers = new Headers({
    accept: 'application/json',
    authorization: `Bearer ${bearerText(token)}`,
    'content-type': 'application/json',
  })
  const answer = await send(port, url, (options) =>
    options[oauth.customFetch](url.href, { method: 'POST', headers, body: '{}', redirect: 'manual' }),
  )
  return answer.status === 200 ? keysOf(party, answer, url.host) : refused(party, answer, url.host)
}

/** Some answers do not say until when, or not in words that anyone reads: no keys live shorter than this. */
const SHORTEST = 15 * 60_000

function keysOf({ exchange }: Party, { json = {}, sentAt, clockOffset }: Answer, host: string): Exchanged {
  const keys = exchange!.keys(json)
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
    expiresAt: timeOf(expiration) ?? issuedAt + SHORTEST,
  }
  return { credential, clockOffset }
}

function refused({ exchange, dead, meanings }: Party, answer: Answer, host: string): Exchanged {
  const { status, json = {} } = answer
  const [error, description] = [String(json.error ?? ''), String(json.error_description ?? '')]
  const wantsNewer = exchange!.wantsNewer({ status, error, description })
  // Its words for a dead grant are about this one token here, and the grant may be as good as ever.
  const refusal = refusalOf(answer, host, { dead: [], unclear: [...dead], ...(!wantsNewer && { meanings }) })
  return { refusal: wantsNewer && refusal.kind === 'refused' ? tooShort(refusal) : refusal, wantsNewer }
}

/** Another login would end where this one does, unless the next token has more left. */
const tooShort = (refusal: Refusal): Refusal => ({
  ...refusal,
  message: `its access token has too little left to be exchanged for keys (${refusal.message})`,
  hint: 'let the application issue access tokens that live for half an hour at least',
})
