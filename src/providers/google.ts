import { defineProvider } from './provider.ts'

/** https://developers.google.com/identity/protocols/oauth2/native-app */
export const google = defineProvider({
  id: 'google',
  title: 'Google',
  endpoints: { issuer: () => 'https://accounts.google.com' },
  client: {
    register: [
      'create an OAuth client of type "Desktop app" at https://console.cloud.google.com/apis/credentials',
      'write its client_id and client_secret into config.yaml (Google wants both, and treats neither as a secret here)',
    ],
  },
  authorization: {
    scopes: ['openid', 'profile', 'email'],
    // Google's parameters for a refresh token, also at a second login.
    extra: () => ({ access_type: 'offline', prompt: 'consent' }),
  },
  methods: ['browser', 'paste'],
  tokens: { revocationEndsGrant: true },
})
