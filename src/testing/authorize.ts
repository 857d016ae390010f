import { escaped } from '../core/html.ts'
import { addressed, complaint, type Request } from './authorization-request.ts'
import type { Dpop } from './dpop.ts'
import type { Ledger } from './ledger.ts'
import { type Ask, type Door, formProblem, type Reply, repeated } from './message.ts'
import type { AuthorizationServerOptions, TestClient, TestUser } from './options.ts'
import { consentPage, page } from './pages.ts'
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

/** A request, and the parameters it came with: its own, or those that name a pushed one. */
type Received = Request & { asked: URLSearchParams }

const rejected = (why: string, status = 400): Reply =>
  page('This request is refused', `<p>${escaped(why)}</p>`, status)

/** What is asked for: by the address itself, or pushed before; then nothing else in the address counts. */
function requested({ par, pushed }: AuthorizeSetting, asked: URLSearchParams): URLSearchParams | string {
  const uri = asked.get('request_uri')
  if (par === false || (par === 'offered' && uri === null)) return asked
  if (uri === null) return 'the request must be pushed first'
  return pushed.find(uri, asked.get('client_id')) ?? 'request_uri is unknown, spent or expired'
}

function received(setting: AuthorizeSetting, asked: URLSearchParams): Received | Reply {
  const twice = repeated(asked)
  if (twice !== undefined) return rejected(`${twice} is given twice`)
  const parameters = requested(setting, asked)
  if (typeof parameters === 'string') return rejected(parameters)
  const request = addressed(setting.clients, parameters)
  return 'why' in request ? rejected(request.why, request.status) : { ...request, asked }
}

function back(setting: AuthorizeSetting, request: Received, answer: Record<string, string>): Reply {
  // RFC 9126 §4: a pushed request is good for one decision.
  setting.pushed.spend(request.asked.get('request_uri') ?? '')
  const url = new URL(request.redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  if (request.state !== null) url.searchParams.set('state', request.state)
  if (setting.sendsIss) url.searchParams.set('iss', setting.issuer())
  return { status: 303, headers: { location: url.href, 'cache-control': 'no-store' } }
}

function granted(setting: AuthorizeSetting, request: Received): Reply {
  const { parameters, client, redirectUri } = request
  const nonce = parameters.get('nonce') ?? undefined
  const family = setting.ledger.openFamily(client.id, parameters.get('scope') ?? '', nonce)
  const jkt = setting.dpop === false ? undefined : (parameters.get('dpop_jkt') ?? undefined)
  const challenge = parameters.get('code_challenge')!
  const code = setting.ledger.issueCode(family, { redirectUri, challenge, jkt })
  return back(setting, request, { code })
}

const denied = (setting: AuthorizeSetting, request: Received): Reply =>
  back(setting, request, { error: 'access_denied', error_description: 'the person said no' })

function ask(setting: AuthorizeSetting, request: Received): Reply {
  const login = request.parameters.get('login_hint') ?? setting.user.login
  const scope = request.parameters.get('scope') ?? ''
  const hidden = { request: request.asked.toString() }
  return consentPage({ action: '/authorize', client: request.client.id, scope, login, hidden })
}

function authorize(setting: AuthorizeSetting, { url }: Ask): Reply {
  const request = received(setting, url.searchParams)
  if ('status' in request) return request
  const problem = complaint(request)
  if (problem !== undefined) {
    return back(setting, request, { error: problem[0], error_description: problem[1] })
  }
  if (setting.consent === 'form') return ask(setting, request)
  return setting.consent === 'deny' ? denied(setting, request) : granted(setting, request)
}

/** The form's answer. The request comes back with it and is judged anew, so the server remembers nothing. */
function decide(setting: AuthorizeSetting, form: Ask): Reply {
  const problem = formProblem(form)
  if (problem !== undefined) return rejected(problem)
  const request = received(setting, new URLSearchParams(form.form.get('request') ?? ''))
  if ('status' in request) return request
  if (complaint(request) !== undefined) return rejected('the request is not the one that was shown')
  return form.form.get('decision') === 'approve' ? granted(setting, request) : denied(setting, request)
}

/** Shows what a person has to copy into a terminal. Register `<issuer>/paste` as a redirect address to use it. */
function pastePage({ url }: Ask): Reply {
  const text = `${url.searchParams.get('code') ?? ''}#${url.searchParams.get('state') ?? ''}`
  return page('Copy this into your terminal', `<p><code id="paste">${escaped(text)}</code></p>`)
}

export function authorizeDoors(setting: AuthorizeSetting): Door[] {
  return [
    {
      method: 'GET',
      path: '/authorize',
      endpoint: 'authorize',
      answer: (request) => authorize(setting, request),
    },
    { method: 'POST', path: '/authorize', endpoint: 'decide', answer: (form) => decide(setting, form) },
    { method: 'GET', path: '/paste', endpoint: 'paste-page', answer: pastePage },
  ]
}
