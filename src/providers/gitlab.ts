import { defineProvider, openidAccount } from './provider.ts'

/** https://docs.gitlab.com/api/oauth2/ */
export const gitlab = defineProvider({
  id: 'gitlab',
  title: 'GitLab',
  params: { issuer: { about: 'the instance', default: 'https://gitlab.com' } },
  issuer: ({ issuer }) => issuer,
  client: {
    register: [
      'add a non-confidential application with the redirect http://127.0.0.1/callback at https://gitlab.com/-/user_settings/applications',
      'then name it: --client-id ID, DAYPASS_GITLAB_CLIENT_ID, or client_id in config.yaml',
    ],
  },
  scopes: ['openid', 'profile', 'email', 'api', 'write_repository'],
  methods: ['browser', 'paste', 'device', 'token'],
  profile: ({ issuer }) => ({ url: `${issuer}/api/v4/user` }),
  account: (claims) => ({
    ...openidAccount(claims),
    ...(typeof claims.username === 'string' && { account: claims.username }),
    ...(claims.id !== undefined && { principal: String(claims.id) }),
  }),
  env: ['GITLAB_TOKEN'],
  // https://docs.gitlab.com/api/oauth2/#access-git-over-https-with-access-token
  git: { user: 'oauth2' },
  // A registry of one's own may be anywhere: `hosts` says it.
  docker: {
    hosts: ({ issuer }) => (issuer === 'https://gitlab.com' ? ['registry.gitlab.com'] : []),
    user: 'oauth2',
  },
})
