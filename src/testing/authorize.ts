import { escaped } from '../core/html.ts'
import { checkRedirect } from './clients.ts'
import type { Ledger } from './ledger.ts'
import { type Ask, type Door, formProblem, type Reply, repeated } from './message.ts'
import type { AuthorizationServerOptions, TestClient, TestUser } from './options.ts'
import { consentPage, page } from './pages.ts'

export interface AuthorizeSetting {
  ledger: Ledger
  clients: readonly TestClient[]
  user: TestUser
  issuer(): string
  sendsIss: boolean
  consent: NonNullable<AuthorizationServerOptions['consent']>
}

/** A request that may be answered by a redirect, because its client and its address are known. */
interface Request {
  client: TestClient
  redirectUri: string
  state: string | null
  parameters: URLSearchParams
}

const rejected = (why: string, status = 400): Reply =>
  page('This request is refused', `<p>${escaped(why)}</p>`, status)

/** RFC 6749 §4.1.2.1: with a doubtful client or address nothing is ever sent to that address. */
function addressed(setting: AuthorizeSetting, parameters: URLSearchParams): Request | Reply {
  const twice = repeated(parameters)
  if (twice !== undefined) return rejected(`${twice} is given twice`)
  const client = setting.clients.find(({ id }) => id === parameters.get('client_id'))
  if (client === undefined) return rejected('client_id is not known')
  const redirectUri = parameters.get('redirect_uri')
  if (redirectUri === null) return rejected('redirect_uri is missing')
  const verdict = checkRedirect(client, redirectUri)
  if (verdict === 'port') return rejected('the port of redirect_uri is not registered', 403)
  if (verdict === 'unknown') return rejected('redirect_uri is not registered')
  return { client, redirectUri, state: parameters.get('state'), parameters }
}

/** What is wrong with it, as an error code and a word to the developer. */
function complaint({ parameters }: Request): [error: string, description: string] | undefined {
  if (parameters.get('response_type') !== 'code')
    return ['unsupported_response_type', 'only code is supported']
  if (parameters.get('code_challenge_method') !== 'S256') {
    return ['invalid_request', 'code_challenge_method must be S256']
  }
  const challenge = parameters.get('code_challenge') ?? ''
  // RFC 7636 §4.2: a SHA-256 in base64url is exactly 43 characters.
  if (!/^[\w-]{43}$/.test(challenge)) return ['invalid_request', 'code_challenge is missing or malformed']
  return undefined
}

function back(setting: AuthorizeSetting, request: Request, answer: Record<string, string>): Reply {
  const url = new URL(request.redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  if (request.state !== null) url.searchParams.set('state', request.state)
  if (setting.sendsIss) url.searchParams.set('iss', setting.issuer())
  return { status: 303, headers: { location: url.href, 'cache-control': 'no-store' } }
}

function granted(setting: AuthorizeSetting, request: Request): Reply {
  const { parameters, client, redirectUri } = request
  const nonce = parameters.get('nonce') ?? undefined
  const family = setting.ledger.openFamily(client.id, parameters.get('scope') ?? '', nonce)
  const code = setting.ledger.issueCode(family, redirectUri, parameters.get('code_challenge')!)
  return back(setting, request, { code })
}

const denied = (setting: AuthorizeSetting, request: Request): Reply =>
  back(setting, request, { error: 'access_denied', error_description: 'the person said no' })

function ask(setting: AuthorizeSetting, request: Request): Reply {
  const login = request.parameters.get('login_hint') ?? setting.user.login
  const scope = request.parameters.get('scope') ?? ''
  const hidden = { request: request.parameters.toString() }
  return consentPage({ action: '/authorize', client: request.client.id, scope, login, hidden })
}

function authorize(setting: AuthorizeSetting, { url }: Ask): Reply {
  const request = addressed(setting, url.searchParams)
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
  const request = addressed(setting, new URLSearchParams(form.form.get('request') ?? ''))
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
