import { randomBytes } from 'node:crypto'
import { findRequestProblem, parseAuthorizationRequest } from './authorization-request.ts'
import { authenticateClient } from './clients.ts'
import type { Proofs } from './dpop.ts'
import {
  buildRefusal,
  findFormProblem,
  NO_STORE,
  type Reply,
  type Route,
  type RouteRequest,
} from './message.ts'
import type { AuthorizationServerOptions, TestClient } from './options.ts'

export type Par = NonNullable<AuthorizationServerOptions['par']>

export interface ParSetting {
  clients: readonly TestClient[]
  pushed: Pushed
  proofs: Proofs
  parTtl: number
}

export type Pushed = ReturnType<typeof createPushed>

/** Creates the store of pushed, undecided authorization requests (RFC 9126). */
export function createPushed(now: () => number) {
  const pending = new Map<string, { parameters: URLSearchParams; expiresAt: number }>()

  function storeRequest(parameters: URLSearchParams, ttl: number): string {
    const uri = `urn:ietf:params:oauth:request_uri:${randomBytes(32).toString('base64url')}`
    pending.set(uri, { parameters, expiresAt: now() + ttl })
    return uri
  }

  /** Returns the request of this client, while it is valid. */
  function find(uri: string, clientId: string | null): URLSearchParams | undefined {
    const one = pending.get(uri)
    const good = one?.parameters.get('client_id') === clientId && now() < one!.expiresAt
    return good ? one!.parameters : undefined
  }

  return { keep: storeRequest, find, spend: (uri: string) => void pending.delete(uri) }
}

/** Returns what the authorization endpoint would refuse, or what must not be pushed. */
function findPushProblem(
  { clients }: ParSetting,
  form: URLSearchParams,
): [error: string, why: string] | undefined {
  if (form.has('request_uri')) return ['invalid_request', 'request_uri must not be pushed']
  const request = parseAuthorizationRequest(clients, form)
  return 'why' in request ? ['invalid_request', request.why] : findRequestProblem(request)
}

function handlePush(setting: ParSetting, ask: RouteRequest): Reply {
  const misshapen = findFormProblem(ask)
  if (misshapen !== undefined) return buildRefusal('invalid_request', misshapen)
  const client = authenticateClient(setting.clients, ask)
  if (typeof client === 'string') return buildRefusal('invalid_client', client, 401)
  const wrong = findPushProblem(setting, ask.form)
  if (wrong !== undefined) return buildRefusal(...wrong)
  if (ask.form.get('client_id') !== client.id) {
    return buildRefusal('invalid_request', 'client_id is not the client that authenticates')
  }
  const parameters = new URLSearchParams(ask.form)
  parameters.delete('client_secret')
  const proof = setting.proofs.judge(ask)
  if ('error' in proof) return buildRefusal(proof.error, proof.why)
  // RFC 9449 §10.1: a proof here means the same as dpop_jkt.
  if (proof.jkt !== undefined && (parameters.get('dpop_jkt') ?? proof.jkt) !== proof.jkt) {
    return buildRefusal('invalid_dpop_proof', 'the key is not the one of dpop_jkt')
  }
  if (proof.jkt !== undefined) parameters.set('dpop_jkt', proof.jkt)
  const requestUri = setting.pushed.keep(parameters, setting.parTtl)
  const json = { request_uri: requestUri, expires_in: Math.ceil(setting.parTtl / 1000) }
  return { status: 201, headers: NO_STORE, json }
}

export function createParRoutes(setting: ParSetting): Route[] {
  return [{ method: 'POST', path: '/par', endpoint: 'par', answer: (ask) => handlePush(setting, ask) }]
}
