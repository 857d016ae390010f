import { defineProvider } from './provider.ts'

/** https://developers.google.com/identity/protocols/oauth2/native-app */
export const google = defineProvider({
  id: 'google',
  title: 'Google',
  issuer: () => 'https://accounts.google.com',
  client: {
    register: [
      'create an OAuth client of type "Desktop app" at https://console.cloud.google.com/apis/credentials',
      'write its client_id and client_secret into config.yaml (Google wants both, and treats neither as a secret here)',
    ],
  },
  scopes: ['openid', 'profile', 'email'],
  methods: ['browser', 'paste'],
  revocationEndsGrant: true,
  // Google's own way to ask for a refresh token, and to get one at a second login, too.
  authorize: () => ({ access_type: 'offline', prompt: 'consent' }),
})
