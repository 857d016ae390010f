import { escapeHtml } from '../../../src/core/html.ts'
import { contentType, FORM } from '../../../src/testing/message.ts'
import { renderConsentPage, renderPage } from '../../../src/testing/pages.ts'
import { type Ask, type Door, invalid, type Reply } from './message.ts'
import type { Consent } from './options.ts'
import type { Principal } from './principals.ts'
import type { Sessions } from './sessions.ts'

export interface AuthorizeSetting {
  sessions: Sessions
  /** Who signs in, as the test has it now. */
  principal(): Principal
  consent(): Consent
}

const SAME_DEVICE = 'arn:aws:signin:::devtools/same-device'
const CROSS_DEVICE = 'arn:aws:signin:::devtools/cross-device'
export const CLIENTS: readonly string[] = [SAME_DEVICE, CROSS_DEVICE]

const CONFIRMATION = '/v1/sessions/confirmation'

const REQUIRED = [
  'response_type',
  'client_id',
  'state',
  'code_challenge_method',
  'scope',
  'redirect_uri',
  'code_challenge',
]

/** The literal address, with a port: neither `localhost` nor another path is known to work. */
const LOOPBACK = /^http:\/\/127\.0\.0\.1:[1-9]\d{0,4}\/oauth\/callback$/

/** Nothing but these seven, each once. */
function nameProblem(asked: URLSearchParams): string | undefined {
  const names = [...asked.keys()]
  const missing = REQUIRED.find((name) => (asked.get(name) ?? '') === '')
  if (missing !== undefined) return `${missing} is missing`
  const unknown = names.find((name) => !REQUIRED.includes(name))
  if (unknown !== undefined) return `${unknown} is not a parameter`
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? undefined : `${twice} is given twice`
}

function redirectProblem(asked: URLSearchParams, base: string): string | undefined {
  const redirect = asked.get('redirect_uri') ?? ''
  const right =
    asked.get('client_id') === SAME_DEVICE ? LOOPBACK.test(redirect) : redirect === base + CONFIRMATION
  return right ? undefined : 'redirect_uri is not one of this client'
}

/** Nothing is ever sent to the address that a request with a problem names. */
function problemOf(asked: URLSearchParams, base: string): string | undefined {
  const names = nameProblem(asked)
  if (names !== undefined) return names
  if (!CLIENTS.includes(asked.get('client_id') ?? '')) return 'client_id is not known'
  if (asked.get('response_type') !== 'code') return 'response_type must be code'
  if (asked.get('code_challenge_method') !== 'SHA-256') return 'code_challenge_method must be SHA-256'
  if (asked.get('scope') !== 'openid') return 'scope must be openid'
  if (!/^[\w-]{43}$/.test(asked.get('code_challenge') ?? '')) return 'code_challenge is not a SHA-256'
  return redirectProblem(asked, base)
}

function back(asked: URLSearchParams, answer: Record<string, string>): Reply {
  const url = new URL(asked.get('redirect_uri')!)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  url.searchParams.set('state', asked.get('state')!)
  return { status: 302, headers: { location: url.href, 'cache-control': 'no-store' } }
}

const denied = (asked: URLSearchParams): Reply =>
  back(asked, { error: 'access_denied', error_description: 'the person said no' })

function granted({ sessions, principal }: AuthorizeSetting, asked: URLSearchParams, region: string): Reply {
  const code = sessions.issueCode({
    principal: principal(),
    region,
    clientId: asked.get('client_id')!,
    redirectUri: asked.get('redirect_uri')!,
    challenge: asked.get('code_challenge')!,
  })
  return back(asked, { code })
}

function authorize(setting: AuthorizeSetting, { url, base, region }: Ask): Reply {
  const asked = url.searchParams
  const problem = problemOf(asked, base)
  if (problem !== undefined) return invalid(problem)
  const consent = setting.consent()
  if (consent === 'deny') return denied(asked)
  if (consent === 'approve') return granted(setting, asked, region)
  const details = { client: asked.get('client_id')!, scope: 'openid', login: setting.principal().arn }
  const { status, headers, body } = renderConsentPage({
    ...details,
    action: '/v1/authorize',
    hidden: { request: asked.toString() },
  })
  return { status, headers: headers ?? {}, body: body ?? '' }
}

/** The form's answer. The request comes back with it and is judged anew, so nothing is remembered. */
function decide(setting: AuthorizeSetting, ask: Ask): Reply {
  const form = new URLSearchParams(contentType(ask) === FORM ? ask.body : '')
  const asked = new URLSearchParams(form.get('request') ?? '')
  const problem = problemOf(asked, ask.base)
  if (problem !== undefined) return invalid(problem)
  return form.get('decision') === 'approve' ? granted(setting, asked, ask.region) : denied(asked)
}

/** What a person copies into the terminal of another machine. */
function confirmation({ url }: Ask): Reply {
  const [code, state] = [url.searchParams.get('code'), url.searchParams.get('state')]
  if (code === null || state === null) return renderPage('Your sign-in was not completed', '', 400)
  const text = Buffer.from(`state=${state}&code=${code}`).toString('base64')
  return renderPage('Copy this authorization code', `<p><code id="paste">${escapeHtml(text)}</code></p>`)
}

export function authorizeDoors(setting: AuthorizeSetting): Door[] {
  const path = '/v1/authorize'
  return [
    { method: 'GET', path, name: 'authorize', answer: (ask) => authorize(setting, ask) },
    { method: 'POST', path, name: 'decide', answer: (ask) => decide(setting, ask) },
    { method: 'GET', path: CONFIRMATION, name: 'confirmation', answer: confirmation },
  ]
}
