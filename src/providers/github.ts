import { defineProvider } from './provider.ts'

/** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
export const github = defineProvider({
  id: 'github',
  title: 'GitHub',
  endpoints: {
    urls: () => ({
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      device: 'https://github.com/login/device/code',
    }),
  },
  client: {
    register: [
      'register an OAuth app with device flow at https://github.com/settings/applications/new',
      'then name it: --client-id ID, DAYPASS_GITHUB_CLIENT_ID, or client_id in config.yaml',
    ],
  },
  authorization: { scopes: ['repo', 'read:org', 'gist'] },
  // The browser flow of an OAuth app requires its client secret; the device flow does not.
  methods: ['device', 'browser', 'paste', 'token'],
  account: {
    profile: () => ({
      url: 'https://api.github.com/user',
      headers: { 'x-github-api-version': '2022-11-28' },
    }),
    read: ({ login, id, name, email }) => ({
      ...(typeof login === 'string' && { account: login }),
      ...(id !== undefined && { principal: String(id) }),
      ...(typeof name === 'string' && { nameOfPerson: name }),
      ...(typeof email === 'string' && { email }),
    }),
  },
  tokens: { refresh: { margin: 60_000, dead: ['invalid_grant', 'bad_refresh_token'] } },
  environment: {
    token: ['GH_TOKEN', 'GITHUB_TOKEN'],
    // Programs read one or the other, and a remaining token of another account must not be used.
    export: { token: ['GH_TOKEN', 'GITHUB_TOKEN'] },
  },
  helpers: {
    git: { hosts: ({ token }) => listGitHosts(parseHost(token)), user: 'x-access-token' },
    // The registry of an Enterprise Server may have any host; `hosts` names it.
    docker: { hosts: ({ token }) => (parseHost(token) === 'github.com' ? ['ghcr.io'] : []) },
  },
})

const parseHost = (url: string | undefined) => (url === undefined ? '' : new URL(url).host)

const listGitHosts = (host: string) => [host, `gist.${host}`]
