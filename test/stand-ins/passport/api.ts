import type { Reply, Route, RouteRequest } from '../../../src/testing/message.ts'
import type { Ledger } from './ledger.ts'
import type { PassportOptions } from './options.ts'

export interface ApiSetting {
  ledger: Ledger
  person: NonNullable<PassportOptions['person']>
  tenants: NonNullable<PassportOptions['tenants']>
  personalTokens: ReadonlySet<string>
  wrapped: boolean
}

const said = (status: number, message: string): Reply => ({ status, json: { message } })

/** Whoever does not ask for JSON is a person, and is sent to the sign-in page. */
const signIn: Reply = { status: 302, headers: { location: '/login' }, body: '<!doctype html>' }

/** Why a request may not come in. */
function refused(
  { ledger, personalTokens, tenants }: ApiSetting,
  { headers }: RouteRequest,
): Reply | undefined {
  if (!headers.accept?.includes('application/json')) return signIn
  const token = headers.authorization?.match(/^Bearer (\S+)$/)?.[1] ?? ''
  if (!personalTokens.has(token) && !ledger.isGood(token)) return said(401, 'Unauthenticated.')
  const tenant = headers['x-tenant']
  if (tenant === undefined) return said(400, 'The X-Tenant header is required.')
  const isMember = tenants.some(({ slug }) => slug === tenant)
  return isMember ? undefined : said(403, 'You are not a member of this tenant.')
}

export function apiDoors(setting: ApiSetting): Route[] {
  const { person, tenants, wrapped } = setting
  const door = (
    path: string,
    endpoint: 'userinfo' | 'resource',
    data: (ask: RouteRequest) => object,
  ): Route => ({
    method: 'GET',
    path: `/api/v1/${path}`,
    endpoint,
    answer: (ask) => {
      const resource = data(ask) as Record<string, unknown>
      return refused(setting, ask) ?? { status: 200, json: wrapped ? { data: resource } : resource }
    },
  })
  return [
    door('profile', 'userinfo', () => person),
    door('tenants', 'resource', () => tenants.map((one, index) => ({ id: index + 1, ...one }))),
    door('orders', 'resource', ({ headers }) => ({ tenant: headers['x-tenant'], orders: [] })),
  ]
}
