import { randomInt } from 'node:crypto'
import { authenticateClient } from './clients.ts'
import type { Family, Ledger } from './ledger.ts'
import {
  buildRefusal,
  findFormProblem,
  NO_STORE,
  type Reply,
  type Route,
  type RouteRequest,
} from './message.ts'
import type { AuthorizationServerOptions, DeviceOptions, TestClient, TestUser } from './options.ts'
import { renderConsentPage, renderPage } from './pages.ts'

export interface DeviceSetting {
  ledger: Ledger
  clients: readonly TestClient[]
  user: TestUser
  issuer(): string
  now(): number
  consent: NonNullable<AuthorizationServerOptions['consent']>
  device: Required<DeviceOptions>
}

type Decision = 'approve' | 'deny'

interface Pending {
  userCode: string
  clientId: string
  scope: string
  expiresAt: number
  interval: number
  polledAt?: number
  decision?: Decision
  script: string[]
}

/** Letters that form no words and are not confused (RFC 8628 §6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'

function createUserCode(): string {
  const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)])
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`
}

export type Devices = ReturnType<typeof createDevices>

/** Creates the store of device authorizations (RFC 8628). */
export function createDevices(setting: DeviceSetting) {
  const pending = new Map<string, Pending>()

  /** Decides on the named device, or the newest. Returns false where there is none. */
  function decide(decision: Decision, userCode?: string): boolean {
    const all = [...pending.values()]
    const found = userCode === undefined ? all.at(-1) : all.find((one) => one.userCode === userCode)
    if (found !== undefined) found.decision = decision
    return found !== undefined
  }

  function isTooSoon(one: Pending): boolean {
    const since = setting.now() - (one.polledAt ?? 0)
    one.polledAt = setting.now()
    // Timers may fire early, so a tenth of the interval is tolerated.
    return setting.device.strictInterval && since < one.interval * 900
  }

  /** Returns the error for a poll, or the login after approval. */
  function poll(code: string, clientId: string): Family | string {
    const one = pending.get(code)
    if (one === undefined || one.clientId !== clientId) return 'invalid_grant'
    const answer = isTooSoon(one) ? 'slow_down' : one.script.shift()
    if (answer === 'slow_down') one.interval += 5
    if (setting.now() >= one.expiresAt) return 'expired_token'
    if (answer !== undefined) return answer
    if (one.decision === undefined) return 'authorization_pending'
    pending.delete(code)
    return one.decision === 'deny' ? 'access_denied' : setting.ledger.openFamily(clientId, one.scope)
  }

  return { pending, decide, poll }
}

function handleDeviceAuthorization(setting: DeviceSetting, { pending }: Devices, ask: RouteRequest): Reply {
  const problem = findFormProblem(ask)
  if (problem !== undefined) return buildRefusal('invalid_request', problem)
  const client = authenticateClient(setting.clients, ask)
  if (typeof client === 'string') return buildRefusal('invalid_client', client, 401)
  const { interval, expiresIn, script } = setting.device
  const userCode = createUserCode()
  const scope = ask.form.get('scope') ?? ''
  const expiresAt = setting.now() + expiresIn * 1000
  const deviceCode = setting.ledger.secret('device')
  pending.set(deviceCode, { userCode, clientId: client.id, scope, expiresAt, interval, script: [...script] })
  const json = {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: `${setting.issuer()}/device`,
    verification_uri_complete: `${setting.issuer()}/device?user_code=${userCode}`,
    expires_in: expiresIn,
    interval,
  }
  return { status: 200, headers: NO_STORE, json }
}

function replyToDecision(devices: Devices, decision: Decision, userCode: string): Reply {
  if (!devices.decide(decision, userCode))
    return renderPage('No such code', '<p>Check what your device shows.</p>', 404)
  return renderPage(decision === 'approve' ? 'Your device is signed in' : 'Your device was refused', '')
}

function handleDeviceVisit(setting: DeviceSetting, devices: Devices, { url }: RouteRequest): Reply {
  const userCode = url.searchParams.get('user_code') ?? ''
  const decision = url.searchParams.get('decision')
  if (decision === 'approve' || decision === 'deny') return replyToDecision(devices, decision, userCode)
  if (userCode === '') {
    return renderPage('Enter the code', '<form action="/device"><input type="text" name="user_code"></form>')
  }
  if (setting.consent !== 'form') {
    return replyToDecision(devices, setting.consent === 'deny' ? 'deny' : 'approve', userCode)
  }
  const hidden = { user_code: userCode }
  return renderConsentPage({
    action: '/device',
    client: userCode,
    scope: '',
    login: setting.user.login,
    hidden,
  })
}

function handleDeviceForm(devices: Devices, ask: RouteRequest): Reply {
  const decision = ask.form.get('decision') === 'approve' ? 'approve' : 'deny'
  return replyToDecision(devices, decision, ask.form.get('user_code') ?? '')
}

export function createDeviceRoutes(setting: DeviceSetting, devices: Devices): Route[] {
  return [
    {
      method: 'POST',
      path: '/device_authorization',
      endpoint: 'device-authorization',
      answer: (ask) => handleDeviceAuthorization(setting, devices, ask),
    },
    {
      method: 'GET',
      path: '/device',
      endpoint: 'device-page',
      answer: (ask) => handleDeviceVisit(setting, devices, ask),
    },
    {
      method: 'POST',
      path: '/device',
      endpoint: 'device-page',
      answer: (ask) => handleDeviceForm(devices, ask),
    },
  ]
}
