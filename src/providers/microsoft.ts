import { defineProvider } from './provider.ts'

const buildBaseUrl = (tenant: string | undefined) =>
  `https://login.microsoftonline.com/${encodeURIComponent(tenant ?? 'common')}`

/** https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow */
export const microsoft = defineProvider({
  id: 'microsoft',
  title: 'Microsoft Entra ID',
  params: {
    tenant: {
      about: 'the directory: its id, its domain, common or organizations',
      flag: { value: 'tenant', about: 'the tenant' },
      default: 'common',
    },
  },
  endpoints: {
    urls: ({ tenant }, { token }) => ({
      issuer: `${buildBaseUrl(tenant)}/v2.0`,
      authorization: `${buildBaseUrl(tenant)}/oauth2/v2.0/authorize`,
      token: `${buildBaseUrl(tenant)}/oauth2/v2.0/token`,
      device: `${buildBaseUrl(tenant)}/oauth2/v2.0/devicecode`,
      // Another cloud's tokens are not for this one's.
      ...(token === undefined && { userinfo: 'https://graph.microsoft.com/oidc/userinfo' }),
    }),
  },
  client: {
    register: [
      'register an application with the platform "Mobile and desktop" and the redirect http://localhost/callback at https://entra.microsoft.com',
      'then name it: --client-id ID, DAYPASS_MICROSOFT_CLIENT_ID, or client_id in config.yaml',
    ],
  },
  authorization: { redirect: { host: 'localhost', ports: [0], path: '/callback' } },
  methods: ['browser', 'paste', 'device'],
  // The issuer in a token of `common` is the directory of the user.
  tokens: { idTokenIssuer: ({ tid }) => `${buildBaseUrl(String(tid))}/v2.0` },
})
