import { timingSafeEqual } from 'node:crypto'
import { escapeHtml } from '../../../src/core/html.ts'
import { contentType, FORM } from '../../../src/testing/message.ts'
import { renderPage } from '../../../src/testing/pages.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'
import { type Ask, type Door, json, type Reply } from './message.ts'
import type { DoorName } from './options.ts'
import type { KeyRing, Keys } from './principals.ts'

export interface FederationSetting {
  keyRing: KeyRing
  clock: Clock
  ledger: Ledger
}

interface SigninToken {
  arn: string
  expiresAt: number
  spent: boolean
}

/** Milliseconds: a sign-in token is good for a quarter of an hour. */
const TOKEN_TTL = 15 * 60_000

const CONSOLES =
  /^https:\/\/([\w-]+\.)*(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)$/

const rejected = (why: string): Reply => ({
  ...renderPage('The request is refused', `<p>${escapeHtml(why)}</p>`, 400),
  refusal: { code: 'InvalidRequest', why },
})

/** In the address or, for sessions that are too long for one, in a form. */
const asked = (ask: Ask): URLSearchParams =>
  ask.method === 'POST' && contentType(ask) === FORM ? new URLSearchParams(ask.body) : ask.url.searchParams

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  getSigninToken: ['Action', 'SessionType', 'Session', 'SessionDuration', 'DurationSeconds'],
  login: ['Action', 'Issuer', 'Destination', 'SigninToken'],
}

function namesProblem(parameters: URLSearchParams, action: string): string | undefined {
  const names = [...parameters.keys()]
  const unknown = names.find((name) => !KNOWN[action]?.includes(name))
  if (unknown !== undefined) return `${unknown} is not a parameter`
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? undefined : `${twice} is given twice`
}

interface Session {
  sessionId: string
  sessionKey: string
  sessionToken: string
}

function readSession(text: string | null): Session | undefined {
  try {
    const { sessionId, sessionKey, sessionToken } = JSON.parse(text ?? '') as Partial<Session>
    const texts = [sessionId, sessionKey, sessionToken].every((one) => typeof one === 'string')
    return texts ? ({ sessionId, sessionKey, sessionToken } as Session) : undefined
  } catch {
    return undefined
  }
}

const same = (one: string, other = ''): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

function keysOf({ keyRing }: FederationSetting, text: string | null): Keys | string {
  const session = readSession(text)
  if (session === undefined) return 'Session is not JSON of sessionId, sessionKey and sessionToken'
  const keys = keyRing.find(session.sessionId)
  if (keys === undefined || !same(session.sessionKey, keys.secretAccessKey)) return 'Session is not known'
  if (!same(session.sessionToken, keys.sessionToken)) return 'Session is not known'
  if (keyRing.isExpired(keys)) return 'Session is expired'
  // AWS takes the sessions of roles, and of users who were federated; GetSessionToken's are none.
  return keys.principal.kind === 'role' ? keys : 'Session is not one of a role'
}

function durationProblem(parameters: URLSearchParams, { chained }: Keys): string | undefined {
  const [one, other] = [parameters.get('SessionDuration'), parameters.get('DurationSeconds')]
  if (one !== null && other !== null) return 'SessionDuration and DurationSeconds are the same'
  const text = one ?? other
  if (text === null) return undefined
  if (chained) return 'a session of role chaining has no duration of its own'
  const right = /^\d+$/.test(text) && Number(text) >= 900 && Number(text) <= 43_200
  return right ? undefined : 'the duration is not 900 to 43200 seconds'
}

export function federationDoors(setting: FederationSetting): Door[] {
  const tokens = new Map<string, SigninToken>()

  function getSigninToken(parameters: URLSearchParams): Reply {
    const type = parameters.get('SessionType') ?? 'json'
    if (type !== 'json') return rejected('SessionType must be json')
    const keys = keysOf(setting, parameters.get('Session'))
    if (typeof keys === 'string') return rejected(keys)
    const problem = durationProblem(parameters, keys)
    if (problem !== undefined) return rejected(problem)
    const token = setting.ledger.secret(300)
    const expiresAt = setting.clock.now() + TOKEN_TTL
    tokens.set(token, { arn: keys.principal.arn, expiresAt, spent: false })
    return json(200, { SigninToken: token })
  }

  function destinationProblem(text: string | null, base: string): string | undefined {
    if (text === null || !URL.canParse(text)) return 'Destination is missing or no address'
    const { origin } = new URL(text)
    return origin === base || CONSOLES.test(origin) ? undefined : 'Destination is no console of AWS'
  }

  function login(parameters: URLSearchParams, base: string): Reply {
    if (!parameters.get('Issuer')) return rejected('Issuer is missing')
    const destination = parameters.get('Destination')
    const problem = destinationProblem(destination, base)
    if (problem !== undefined) return rejected(problem)
    const token = tokens.get(parameters.get('SigninToken') ?? '')
    if (token === undefined) return rejected('SigninToken is not known')
    if (token.spent || setting.clock.now() >= token.expiresAt)
      return rejected('SigninToken is spent or expired')
    token.spent = true
    const cookie = `aws-userInfo=${encodeURIComponent(token.arn)}; Path=/`
    return { status: 302, headers: { location: destination!, 'set-cookie': cookie } }
  }

  function answer(ask: Ask): Reply {
    const parameters = asked(ask)
    const action = parameters.get('Action') ?? ''
    if (!Object.hasOwn(KNOWN, action)) return rejected('Action is missing or not known')
    const problem = namesProblem(parameters, action)
    if (problem !== undefined) return rejected(problem)
    return action === 'login' ? login(parameters, ask.base) : getSigninToken(parameters)
  }

  /** For a Destination that a browser of a test may really go to. */
  function console({ headers }: Ask): Reply {
    const [, arn] = headers.cookie?.match(/aws-userInfo=([^;]+)/) ?? []
    return renderPage(
      'Console',
      `<p>${escapeHtml(arn === undefined ? 'nobody' : decodeURIComponent(arn))}</p>`,
    )
  }

  const name = (ask: Ask): DoorName => {
    const action = asked(ask).get('Action')
    if (action === 'getSigninToken') return 'getSigninToken'
    return action === 'login' ? 'console-login' : 'federation'
  }
  const path = '/federation'
  return [
    { method: 'GET', path, name, answer },
    { method: 'POST', path, name, answer },
    { method: 'GET', path: '/console', name: 'console', answer: console },
  ]
}
