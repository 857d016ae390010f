import type { Endpoints } from '../core/types.ts'
import { issuer } from './oidc.ts'
import { parseOpenidAccount } from './openid-account.ts'
import { defineProvider } from './provider.ts'

/** https://docs.gitlab.com/api/oauth2/ */
export const gitlab = defineProvider({
  id: 'gitlab',
  title: 'GitLab',
  params: { issuer: { ...issuer, about: 'the instance', default: 'https://gitlab.com' } },
  endpoints: { issuer: (params) => params.issuer },
  client: {
    register: [
      'add a non-confidential application with the redirect http://127.0.0.1/callback at https://gitlab.com/-/user_settings/applications',
      'then name it: --client-id ID, DAYPASS_GITLAB_CLIENT_ID, or client_id in config.yaml',
    ],
  },
  authorization: { scopes: ['openid', 'profile', 'email', 'api', 'write_repository'] },
  methods: ['browser', 'paste', 'device', 'token'],
  account: {
    profile: ({ issuer }, endpoints) => ({ url: `${findApi(issuer!, endpoints)}/user` }),
    read: (claims) => ({
      ...parseOpenidAccount(claims),
      ...(typeof claims.username === 'string' && { account: claims.username }),
      ...(claims.id !== undefined && { principal: String(claims.id) }),
    }),
  },
  environment: { token: ['GITLAB_TOKEN'] },
  helpers: {
    // https://docs.gitlab.com/api/oauth2/#access-git-over-https-with-access-token
    git: { user: 'oauth2' },
    // The registry of a self-managed instance may have any host; `hosts` names it.
    docker: {
      hosts: (endpoints) => (isGitlabCom(endpoints) ? ['registry.gitlab.com'] : []),
      user: 'oauth2',
    },
  },
})

/** Of the server that issues the tokens, whatever the issuer is said to be. */
function findApi(issuer: string, { api, token }: Endpoints): string {
  if (api !== undefined) return api.replace(/\/+$/, '')
  const isElsewhere = token !== undefined && parseHost(token) !== parseHost(issuer)
  return isElsewhere ? new URL('/api/v4', token).href : `${issuer}/api/v4`
}

const isGitlabCom = ({ issuer, token, userinfo }: Endpoints) =>
  issuer === 'https://gitlab.com' &&
  [token, userinfo].every((url) => url === undefined || parseHost(url) === 'gitlab.com')

const parseHost = (url: string) => (URL.canParse(url) ? new URL(url).host : url)
