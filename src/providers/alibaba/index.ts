import { defineProvider } from '../provider.ts'
import { alibabaExchange } from './exchange.ts'
import { alibabaMessages } from './messages.ts'
import { buildAccessHelp, resolveSite, SITE_NAMES } from './sites.ts'
import { alibabaVariables } from './variables.ts'

const ARN = 'acs:ram::1234567890123456:user/me'

/** https://www.alibabacloud.com/help/en/ram/overview-of-oauth-applications, application official-cli. */
export const alibaba = defineProvider({
  id: 'alibaba',
  title: 'Alibaba Cloud',
  kinds: { 'alibaba/ram-role': { derived: true } },
  params: {
    site: {
      about: 'the site of the account: China or international',
      // The alias is the flag of Alibaba Cloud's own command line.
      flag: { value: 'site', about: 'the site', alias: 'oauth-site-type' },
      oneOf: SITE_NAMES,
      labels: alibabaMessages.sites,
      ask: alibabaMessages.whichSite,
      // Keys work at both sites, so only these methods ask.
      askFor: ['browser', 'paste'],
      default: 'cn',
    },
    region: {
      about: 'the region to work in',
      flag: { value: 'region', about: 'the region' },
      env: ['ALIBABA_CLOUD_REGION_ID', 'ALICLOUD_REGION'],
      like: { pattern: /^[a-z][a-z0-9-]{0,31}$/, example: 'cn-hangzhou' },
      default: (params: Readonly<Record<string, string>>) => resolveSite(params).region,
    },
    principal_arn: { about: `who must have logged in: ${ARN}` },
    account_id: { about: 'the account that must have been logged in to' },
    role_arn: { about: 'the role to assume' },
    session_name: { about: 'name of the session, as ActionTrail records it' },
    external_id: { about: 'external id that the role asks for' },
    duration: { about: 'how long the login or the role lasts' },
  },
  endpoints: {
    urls: (params, { signin, oauth, token, exchange, sts }) => {
      const site = resolveSite(params)
      const page = signin ?? site.signin
      const base = oauth ?? (token === undefined ? site.oauth : new URL(token).origin)
      return {
        signin: page,
        oauth: base,
        authorization: `${page}/oauth2/v1/auth`,
        token: `${base}/v1/token`,
        revocation: `${base}/v1/revoke`,
        exchange: exchange ?? `${base}/v1/exchange`,
        sts: sts ?? site.sts,
      }
    },
  },
  client: {
    id: (params) => resolveSite(params).client,
    register: ['nothing to register: Alibaba Cloud knows command-line tools by official-cli'],
  },
  authorization: {
    // Without scopes, the application gets all that it is allowed to have.
    scopes: [],
    redirect: { host: '127.0.0.1', ports: [12345, 12346, 12347, 12348, 12349], path: '/cli/callback' },
  },
  methods: ['browser', 'paste', 'keys'],
  account: {
    read: ({ sub }) => {
      if (typeof sub !== 'string') return {}
      const account = sub.split(':')[3]
      return { ...(account && { account }), principal: sub }
    },
    verify: (_kind, { principal_arn, account_id }, { account, principal = '' }) => {
      if (account_id !== undefined && account !== account_id) return `it is to be account ${account_id}`
      if (principal_arn !== undefined && !isPrincipal(principal, principal_arn))
        return `it is to be ${principal_arn}`
      return undefined
    },
    warn: ({ principal = '' }) => (principal.endsWith(':root') ? alibabaMessages.owner : undefined),
  },
  tokens: {
    exchange: alibabaExchange,
    refresh: { margin: 15 * 60_000, dead: ['invalid_grant', 'invalid_token', 'expired_token'] },
    errorMessages: (params) => ({
      invalid_grant: { message: alibabaMessages.over },
      invalid_token: { message: alibabaMessages.over },
      expired_token: { message: alibabaMessages.over },
      access_denied: {
        message: alibabaMessages.notAssigned,
        hint: buildAccessHelp(resolveSite(params)).denied,
      },
    }),
  },
  environment: { endpoints: { sts: ['ALIBABA_CLOUD_STS_ENDPOINT'] }, export: alibabaVariables },
  prompts: {
    loginChoices: alibabaMessages.loginChoices,
    accessHelp: (params) => buildAccessHelp(resolveSite(params)),
  },
  keys: { cloud: 'alibaba', role: 'alibaba/ram-role', questions: alibabaMessages.keys },
})

/** Returns whether this is the wanted principal, or a session of the wanted role. */
function isPrincipal(principal: string, wanted: string): boolean {
  if (principal === wanted) return true
  const [, account, role] = wanted.match(/^acs:ram::(\d+):role\/([^/]+)$/i) ?? []
  const session = `acs:ram::${account}:assumed-role/${role}/`
  return role !== undefined && principal.toLowerCase().startsWith(session.toLowerCase())
}
