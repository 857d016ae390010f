import { escapeHtml } from '../core/html.ts'
import {
  type AuthorizationRequest,
  findRequestProblem,
  parseAuthorizationRequest,
} from './authorization-request.ts'
import type { Dpop } from './dpop.ts'
import type { Ledger } from './ledger.ts'
import { findFormProblem, findRepeated, type Reply, type Route, type RouteRequest } from './message.ts'
import type { AuthorizationServerOptions, TestClient, TestUser } from './options.ts'
import { renderConsentPage, renderPage } from './pages.ts'
import type { Par, Pushed } from './par.ts'

export interface AuthorizeSetting {
  ledger: Ledger
  clients: readonly TestClient[]
  user: TestUser
  issuer(): string
  sendsIss: boolean
  par: Par
  pushed: Pushed
  dpop: Dpop
  consent: NonNullable<AuthorizationServerOptions['consent']>
}

/** A request with its parameters: its own, or those of a pushed one. */
type ReceivedRequest = AuthorizationRequest & { asked: URLSearchParams }

const buildRejection = (why: string, status = 400): Reply =>
  renderPage('This request is refused', `<p>${escapeHtml(why)}</p>`, status)

/** Returns the parameters of the address, or only the pushed ones that it names. */
function resolveParameters(
  { par, pushed }: AuthorizeSetting,
  asked: URLSearchParams,
): URLSearchParams | string {
  const uri = asked.get('request_uri')
  if (par === false || (par === 'offered' && uri === null)) return asked
  if (uri === null) return 'the request must be pushed first'
  return pushed.find(uri, asked.get('client_id')) ?? 'request_uri is unknown, spent or expired'
}

function receiveRequest(setting: AuthorizeSetting, asked: URLSearchParams): ReceivedRequest | Reply {
  const twice = findRepeated(asked)
  if (twice !== undefined) return buildRejection(`${twice} is given twice`)
  const parameters = resolveParameters(setting, asked)
  if (typeof parameters === 'string') return buildRejection(parameters)
  const request = parseAuthorizationRequest(setting.clients, parameters)
  return 'why' in request ? buildRejection(request.why, request.status) : { ...request, asked }
}

function redirectBack(
  setting: AuthorizeSetting,
  request: ReceivedRequest,
  answer: Record<string, string>,
): Reply {
  // RFC 9126 §4: a pushed request is valid for one decision.
  setting.pushed.spend(request.asked.get('request_uri') ?? '')
  const url = new URL(request.redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  if (request.state !== null) url.searchParams.set('state', request.state)
  if (setting.sendsIss) url.searchParams.set('iss', setting.issuer())
  return { status: 303, headers: { location: url.href, 'cache-control': 'no-store' } }
}

function grantAccess(setting: AuthorizeSetting, request: ReceivedRequest): Reply {
  const { parameters, client, redirectUri } = request
  const nonce = parameters.get('nonce') ?? undefined
  const family = setting.ledger.openFamily(client.id, parameters.get('scope') ?? '', nonce)
  const jkt = setting.dpop === false ? undefined : (parameters.get('dpop_jkt') ?? undefined)
  const challenge = parameters.get('code_challenge')!
  const code = setting.ledger.issueCode(family, { redirectUri, challenge, jkt })
  return redirectBack(setting, request, { code })
}

const denyAccess = (setting: AuthorizeSetting, request: ReceivedRequest): Reply =>
  redirectBack(setting, request, { error: 'access_denied', error_description: 'the person said no' })

function showConsent(setting: AuthorizeSetting, request: ReceivedRequest): Reply {
  const login = request.parameters.get('login_hint') ?? setting.user.login
  const scope = request.parameters.get('scope') ?? ''
  const hidden = { request: request.asked.toString() }
  return renderConsentPage({ action: '/authorize', client: request.client.id, scope, login, hidden })
}

function handleAuthorize(setting: AuthorizeSetting, { url }: RouteRequest): Reply {
  const request = receiveRequest(setting, url.searchParams)
  if ('status' in request) return request
  const problem = findRequestProblem(request)
  if (problem !== undefined) {
    return redirectBack(setting, request, { error: problem[0], error_description: problem[1] })
  }
  if (setting.consent === 'form') return showConsent(setting, request)
  return setting.consent === 'deny' ? denyAccess(setting, request) : grantAccess(setting, request)
}

/** Handles the form, which contains the request. It is checked again: the server keeps no state. */
function handleDecision(setting: AuthorizeSetting, form: RouteRequest): Reply {
  const problem = findFormProblem(form)
  if (problem !== undefined) return buildRejection(problem)
  const request = receiveRequest(setting, new URLSearchParams(form.form.get('request') ?? ''))
  if ('status' in request) return request
  if (findRequestProblem(request) !== undefined)
    return buildRejection('the request is not the one that was shown')
  return form.form.get('decision') === 'approve'
    ? grantAccess(setting, request)
    : denyAccess(setting, request)
}

/** Shows the code for a person to copy into a terminal. Register `<issuer>/paste` as a redirect address. */
function renderPastePage({ url }: RouteRequest): Reply {
  const text = `${url.searchParams.get('code') ?? ''}#${url.searchParams.get('state') ?? ''}`
  return renderPage('Copy this into your terminal', `<p><code id="paste">${escapeHtml(text)}</code></p>`)
}

export function createAuthorizeRoutes(setting: AuthorizeSetting): Route[] {
  return [
    {
      method: 'GET',
      path: '/authorize',
      endpoint: 'authorize',
      answer: (request) => handleAuthorize(setting, request),
    },
    {
      method: 'POST',
      path: '/authorize',
      endpoint: 'decide',
      answer: (form) => handleDecision(setting, form),
    },
    { method: 'GET', path: '/paste', endpoint: 'paste-page', answer: renderPastePage },
  ]
}
