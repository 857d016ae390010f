import type { Endpoints } from '../core/types.ts'
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
    profile: (_params, endpoints) => ({
      url: `${findApi(endpoints)}/user`,
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
    git: { hosts: (endpoints) => listGitHosts(findServerHost(endpoints)), user: 'x-access-token' },
    // The registry of an Enterprise Server may have any host; `hosts` names it.
    docker: { hosts: (endpoints) => (findServerHost(endpoints) === 'github.com' ? ['ghcr.io'] : []) },
  },
})

/** That of an Enterprise Server lies on its own host. https://docs.github.com/en/enterprise-server/rest */
function findApi({ api, token }: Endpoints): string {
  if (api !== undefined) return api.replace(/\/+$/, '')
  return parseHost(token) === 'github.com' ? 'https://api.github.com' : new URL('/api/v3', token).href
}

/** A personal access token was issued by no endpoint: where a profile elsewhere checks it, it is of that server. */
function findServerHost({ token, userinfo }: Endpoints): string {
  const [server, profile] = [parseHost(token), parseHost(userinfo)]
  return server === 'github.com' && !['', 'api.github.com'].includes(profile) ? profile : server
}

const parseHost = (url: string | undefined) => (url === undefined ? '' : new URL(url).host)

const listGitHosts = (host: string) => [host, `gist.${host}`]
