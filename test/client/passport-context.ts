/** The client over the strict stand-in for an API of Laravel Passport, which shares the played clock. */
import { onTestFinished } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { PassportOptions } from '../stand-ins/passport/options.ts'
import { type PassportStandIn, startPassport } from '../stand-ins/passport/server.ts'
import { type WorldOptions, world } from './client-context.ts'

export const PAT = 'pat-of-the-platform-0123456789'

export async function api(options: PassportOptions = {}): Promise<PassportStandIn> {
  const started = await startPassport({ personalTokens: [PAT], ...options })
  onTestFinished(() => started.close())
  return started
}

/** A person who logs in as `shop`, in the tenant `acme`. */
export async function shop(options: PassportOptions = {}, more: WorldOptions = {}) {
  const passport = await api(options)
  const w = await world(more)
  const { clientId, apiUrl } = passport
  const at = (params: Record<string, string> = {}) => ({
    given: { clientId, params: { api_url: apiUrl, tenant: 'acme', ...params } },
  })
  type Login = Parameters<typeof w.daypass.login>[1]
  return {
    ...w,
    passport,
    at,
    login: (more: Login = {}) => w.daypass.login('passport', { name: 'shop', ...at(), ...more }),
    byToken: (token = PAT, more: Login = {}) =>
      w.daypass.login('passport', {
        name: 'shop',
        ...at(),
        method: 'token',
        token: new Secret(token),
        ...more,
      }),
    /** Time passes for the server, too. */
    advance(milliseconds: number) {
      w.advance(milliseconds)
      passport.setClockOffset(w.host.now() - Date.now())
    },
    header: (name = 'shop') => w.header(name),
    token: (name = 'shop') => w.token(name),
    orders: async (name?: string, init?: RequestInit) => {
      const answer = await w.daypass.fetch(name)(`${apiUrl}/orders`, init)
      return [answer.status, await answer.json()] as [number, { data?: { tenant: string }; message?: string }]
    },
  }
}
