import type { Param } from './param.ts'
import { defineProvider } from './provider.ts'

/** The issuer of a server that publishes its metadata. */
export const issuer = {
  about: 'the server, as it writes itself: https://id.example.com',
  flag: { value: 'url', about: 'the server' },
} satisfies Param

/** Any OAuth 2.0 or OpenID Connect server, by its issuer or its endpoints. */
export const oidc = defineProvider({
  id: 'oidc',
  title: 'OpenID Connect',
  params: { issuer },
  endpoints: { issuer: (params) => params.issuer },
  client: {
    register: [
      'register a public (native) client with the redirect http://127.0.0.1/callback, PKCE and no secret',
      'then name it: --client-id ID, DAYPASS_OIDC_CLIENT_ID, or client_id in config.yaml',
    ],
  },
  methods: ['browser', 'paste', 'device', 'token'],
  authorization: {
    // OpenID Connect Core §11: offline_access requires consent.
    extra: (scopes) => (scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
  },
})
