import { contentType, FORM, findRepeated } from '../../../src/testing/message.ts'
import { renderConsentPage, renderPage } from '../../../src/testing/pages.ts'
import type { Logins } from './logins.ts'
import { type Ask, type Door, type Reply, refused } from './message.ts'
import type { Consent } from './options.ts'
import type { Principal } from './principals.ts'

export interface AuthSetting {
  logins: Logins
  clients: readonly string[]
  /** Who signs in, as the test has it now. */
  principal(): Principal
  consent(): Consent
}

const REQUIRED = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'code_challenge',
  'code_challenge_method',
]

/** As registered for `official-cli`: these five, letter by letter. */
const REDIRECT = /^http:\/\/127\.0\.0\.1:1234[5-9]\/cli\/callback$/

/** Nothing is ever sent to the address that a request with a problem names. */
function problemOf({ clients }: AuthSetting, asked: URLSearchParams): string | undefined {
  const missing = REQUIRED.find((name) => (asked.get(name) ?? '') === '')
  if (missing !== undefined) return `${missing} is missing`
  const odd = [...asked.keys()].find((name) => !REQUIRED.includes(name))
  if (odd !== undefined) return `${odd} is not for this application`
  const twice = findRepeated(asked)
  if (twice !== undefined) return `${twice} is given twice`
  if (!clients.includes(asked.get('client_id')!)) return 'client_id is not known'
  if (asked.get('response_type') !== 'code') return 'response_type must be code'
  if (asked.get('code_challenge_method') !== 'S256') return 'code_challenge_method must be S256'
  if (!/^[\w-]{43}$/.test(asked.get('code_challenge')!)) return 'code_challenge is not a SHA-256'
  return REDIRECT.test(asked.get('redirect_uri')!) ? undefined : 'redirect_uri is not registered'
}

function back(asked: URLSearchParams, answer: Record<string, string>): Reply {
  const url = new URL(asked.get('redirect_uri')!)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  url.searchParams.set('state', asked.get('state')!)
  return { status: 302, headers: { location: url.href, 'cache-control': 'no-store' } }
}

const denied = (asked: URLSearchParams): Reply =>
  back(asked, { error: 'access_denied', error_description: 'The person said no.' })

function granted({ logins, principal }: AuthSetting, asked: URLSearchParams): Reply {
  const code = logins.issueCode({
    principal: principal(),
    clientId: asked.get('client_id')!,
    redirectUri: asked.get('redirect_uri')!,
    challenge: asked.get('code_challenge')!,
  })
  return back(asked, { code })
}

/** Its own words. There is no way on from here, and none back. */
const unassigned = () => renderPage('账号未允许当前身份访问该应用', '<p>请联系管理员。</p>', 403)

function auth(setting: AuthSetting, { url }: Ask): Reply {
  const asked = url.searchParams
  const problem = problemOf(setting, asked)
  if (problem !== undefined) return refused(400, 'invalid_request', problem)
  const consent = setting.consent()
  if (consent === 'unassigned') return unassigned()
  if (consent === 'deny') return denied(asked)
  if (consent === 'approve') return granted(setting, asked)
  return renderConsentPage({
    client: 'official-cli',
    scope: '/acs/openapi',
    login: setting.principal().arn,
    action: '/oauth2/v1/auth',
    hidden: { request: asked.toString() },
  }) as Reply
}

/** The form's answer. The request comes back with it and is judged anew, so nothing is remembered. */
function decide(setting: AuthSetting, ask: Ask): Reply {
  const form = new URLSearchParams(contentType(ask) === FORM ? ask.body : '')
  const asked = new URLSearchParams(form.get('request') ?? '')
  const problem = problemOf(setting, asked)
  if (problem !== undefined) return refused(400, 'invalid_request', problem)
  return form.get('decision') === 'approve' ? granted(setting, asked) : denied(asked)
}

export function authDoors(setting: AuthSetting): Door[] {
  const path = '/oauth2/v1/auth'
  return [
    { method: 'GET', path, name: 'auth', answer: (ask) => auth(setting, ask) },
    { method: 'POST', path, name: 'decide', answer: (ask) => decide(setting, ask) },
  ]
}
