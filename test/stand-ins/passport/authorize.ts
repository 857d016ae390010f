import { escapeHtml } from '../../../src/core/html.ts'
import type { Reply, Route, RouteRequest } from '../../../src/testing/message.ts'
import { renderPage } from '../../../src/testing/pages.ts'
import { malformed, payload, refused } from './errors.ts'
import type { Ledger } from './ledger.ts'

export interface AuthorizeSetting {
  ledger: Ledger
  clientId: string
  redirects: readonly string[]
  scopes: readonly string[]
  consent(): 'approve' | 'deny'
}

const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob'

/** Nothing is sent to the address of a request with a problem: whoever sits there sees it as JSON. */
function problemOf({ clientId, redirects }: AuthorizeSetting, asked: URLSearchParams): Reply | undefined {
  const names = [...asked.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return malformed(twice)
  if (asked.get('response_type') !== 'code') return refused('unsupported_grant_type')
  if (!asked.get('client_id')) return malformed('client_id')
  if (asked.get('client_id') !== clientId) return refused('invalid_client')
  // Compared as text, the port included.
  if (!redirects.includes(asked.get('redirect_uri') ?? '')) return refused('invalid_client')
  if (!asked.get('state')) return malformed('state')
  const challenge = asked.get('code_challenge')
  if (!challenge) return refused('invalid_request', 'Code challenge must be provided for public clients')
  if (asked.get('code_challenge_method') !== 'S256')
    return refused('invalid_request', 'Code challenge method must be one of `S256`')
  if (!/^[\w.~-]{43,128}$/.test(challenge))
    return refused('invalid_request', 'Code challenge must follow the specifications of RFC-7636.')
  return undefined
}

function back(asked: URLSearchParams, answer: Record<string, string>): Reply {
  const redirect = asked.get('redirect_uri')!
  if (redirect === OUT_OF_BAND) {
    const text = answer.code ?? answer.error ?? ''
    return renderPage('Your code is', `<p><code id="paste">${escapeHtml(text)}</code></p>`)
  }
  const url = new URL(redirect)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  url.searchParams.set('state', asked.get('state')!)
  return { status: 302, headers: { location: url.href, 'cache-control': 'no-store' } }
}

function authorize(setting: AuthorizeSetting, { url: { searchParams: asked } }: RouteRequest): Reply {
  const problem = problemOf(setting, asked)
  if (problem) return problem
  const wanted = (asked.get('scope') ?? '').split(' ').filter(Boolean)
  const unknown = wanted.find((scope) => !setting.scopes.includes(scope))
  if (unknown !== undefined) return back(asked, payload('invalid_scope', `Check the \`${unknown}\` scope`))
  if (setting.consent() === 'deny')
    return back(asked, payload('access_denied', 'The user denied the request'))
  const redirectUri = asked.get('redirect_uri')!
  const challenge = asked.get('code_challenge')!
  return back(asked, {
    code: setting.ledger.issueCode({ clientId: setting.clientId, redirectUri, challenge }),
  })
}

export const authorizeDoors = (setting: AuthorizeSetting): Route[] => [
  {
    method: 'GET',
    path: '/oauth/authorize',
    endpoint: 'authorize',
    answer: (ask) => authorize(setting, ask),
  },
]
