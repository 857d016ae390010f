import type { Account, Endpoints } from '../core/types.ts'
import type { Claims } from './openid-account.ts'
import type { Param } from './param.ts'
import { defineProvider, type Tenant } from './provider.ts'

/** The address of the API. Its server has the sign-in too. */
export const apiUrl = {
  about: 'the API: https://api.example.com/api/v1',
  flag: { value: 'url', about: 'the API' },
  like: {
    pattern: /^https?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?$/i,
    example: 'https://api.example.com/api/v1',
  },
  normalize: normalizeApiUrl,
} satisfies Param

/** The slug becomes a header. */
export const tenant = {
  about: 'the tenant to work in, by its slug',
  flag: { value: 'tenant', about: 'the tenant' },
  like: { pattern: /^[\w.-]{1,64}$/, example: 'acme' },
} satisfies Param

/**
 * An API that Laravel Passport protects: https://laravel.com/docs/passport, based on league/oauth2-server.
 */
export const passport = defineProvider({
  id: 'passport',
  title: 'Laravel Passport',
  params: {
    api_url: { ...apiUrl, env: ['PASSPORT_API_URL'] },
    tenant: { ...tenant, env: ['PASSPORT_TENANT'] },
  },
  nameFor: ({ api_url }) => api_url && deriveHostName(api_url),
  endpoints: { urls: buildEndpoints, usage: '--api-url https://api.example.com/api/v1' },
  client: { register: describeRegistration('DAYPASS_PASSPORT_CLIENT_ID') },
  authorization: {
    scopes: [],
    // The server compares redirect URIs exactly, so each one must be registered.
    redirect: { host: '127.0.0.1', ports: [8765, 8766, 8767, 8768, 8769], path: '/callback' },
  },
  methods: ['browser', 'paste', 'device', 'token'],
  account: { read: parseAccount },
  // For a used or revoked refresh token; league/oauth2-server before release 9 sends `invalid_request`.
  tokens: { refresh: { margin: 60_000, dead: ['invalid_grant', '401 invalid_request'] } },
  api: {
    // Without `accept`, Laravel answers with its sign-in page.
    headers: (params) => ({
      accept: 'application/json',
      ...(params.tenant && { 'x-tenant': params.tenant }),
    }),
    tenants: parseTenants,
  },
  environment: {
    token: ['PASSPORT_TOKEN'],
    export: { params: { tenant: ['PASSPORT_TENANT'], api_url: ['PASSPORT_API_URL'] } },
  },
})

function buildEndpoints({ api_url }: { api_url?: string }): Endpoints {
  if (api_url === undefined) return {}
  const server = api_url.replace(/\/api\/v\d+$/, '')
  return {
    authorization: `${server}/oauth/authorize`,
    token: `${server}/oauth/token`,
    userinfo: `${api_url}/profile`,
    tenants: `${api_url}/tenants`,
  }
}

function parseAccount(claims: Claims): Account {
  const { id, name, email } = unwrapData(claims)
  const known = typeof id === 'string' || typeof id === 'number'
  return {
    ...(typeof name === 'string' && { account: name, nameOfPerson: name }),
    ...(typeof email === 'string' && { account: email, email }),
    ...(known && { principal: String(id) }),
  }
}

/** Returns the steps to register a client, and to name it in an environment variable. */
export function describeRegistration(variable: string): readonly string[] {
  return [
    'on its server: php artisan passport:client --public --redirect_uri="http://127.0.0.1:8765/callback,http://127.0.0.1:8766/callback,http://127.0.0.1:8767/callback,http://127.0.0.1:8768/callback,http://127.0.0.1:8769/callback"',
    `then name it: --client-id ID, ${variable}, or client_id in config.yaml`,
  ]
}

/** Returns the address with `/api/v1` and without a final slash. */
function normalizeApiUrl(text: string): string {
  if (!URL.canParse(text)) return text
  const { origin, pathname } = new URL(text)
  const path = pathname.replace(/\/+$/, '').replace(/\/api$/, '')
  return `${origin}${/\/api\/v\d+$/.test(path) ? path : `${path}/api/v1`}`
}

/** Returns `shop.example.com` for `https://api.shop.example.com/api/v1`. */
function deriveHostName(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const name = new URL(url).host.replace(/^api\./, '').replace(/[^\w.-]+/g, '-')
  return name.replace(/^[^a-z0-9]+/i, '').slice(0, 64) || undefined
}

/** Laravel resources have a wrapper: `{"data": {…}}`. */
function unwrapData(claims: Claims): Claims {
  const { data } = claims
  return typeof data === 'object' && data !== null ? (data as Claims) : claims
}

/** Reads a list in `data` or `tenants`, of slugs or of objects with a slug. */
function parseTenants({ data, tenants: named }: Claims): readonly Tenant[] {
  const list = [data, named].find(Array.isArray) ?? []
  return list.flatMap((one: unknown) => {
    const { slug, id, name } = (typeof one === 'string' ? { slug: one } : Object(one)) as Record<
      string,
      unknown
    >
    const found = slug ?? id
    if (typeof found !== 'string' && typeof found !== 'number') return []
    return [{ slug: String(found), ...(typeof name === 'string' && { name }) }]
  })
}
