import { defineProvider } from '../provider.ts'
import { removeRegion, resolvePartition } from './partitions.ts'
import { awsVariables } from './variables.ts'
import { awsWire } from './wire.ts'

const ARN = 'arn:aws:iam::123456789012:user/me'
const POLICY =
  'attach the managed policy SignInLocalDevelopmentAccess, or allow signin:AuthorizeOAuth2Access and signin:CreateOAuth2Token'

/** https://docs.aws.amazon.com/signin/latest/APIReference/ and the policy SignInLocalDevelopmentAccess. */
export const aws = defineProvider({
  id: 'aws',
  title: 'AWS',
  kinds: {
    'aws/root': { methods: ['browser', 'paste'] },
    'aws/assume-role': { derived: true },
  },
  params: {
    region: {
      about: 'where to sign in, and the region to work in',
      flag: { value: 'region', about: 'the region' },
      env: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
      externalDefault: 'aws-region',
      // The region becomes part of a host name.
      like: { pattern: /^[a-z][a-z0-9-]{0,31}$/, example: 'eu-west-1' },
      ask: 'Which region do you sign in to?',
      default: 'us-east-1',
    },
    principal_arn: { about: `who must have signed in: ${ARN}` },
    account_id: { about: 'the account that must have been signed in to' },
    mfa_arn: { about: 'the MFA device that a code is asked of' },
    role_arn: { about: 'the role to assume' },
    session_name: { about: 'name of the session, as CloudTrail records it' },
    external_id: { about: 'external id that the role asks for' },
    source_identity: { about: 'source identity that the role asks for' },
    tags: { about: 'session tags, as JSON' },
    duration: { about: 'how long the login or the role lasts, 12h at most' },
  },
  endpoints: {
    urls: ({ region = 'us-east-1' }, { signin, sts, federation }) => {
      const { home, services } = resolvePartition(region)
      const base = signin ?? `https://${region}.signin.${home}`
      return {
        signin: base,
        authorization: `${base}/v1/authorize`,
        token: `${base}/v1/token`,
        sts: sts ?? `https://sts.${region}.${services}`,
        federation: federation ?? `https://signin.${home}/federation`,
      }
    },
    // A grant is renewed in the region of its login, even when the identity's region changes.
    canonicalHost: removeRegion,
  },
  client: {
    id: 'arn:aws:signin:::devtools/same-device',
    register: ['nothing to register: AWS knows command-line tools by a public client'],
  },
  authorization: {
    scopes: ['openid'],
    redirect: { host: '127.0.0.1', ports: [0], path: '/oauth/callback' },
    crossDevice: {
      clientId: 'arn:aws:signin:::devtools/cross-device',
      redirectUri: ({ signin }) => `${signin}/v1/sessions/confirmation`,
    },
    dpop: true,
  },
  methods: ['browser', 'paste', 'keys'],
  account: {
    read: ({ sub }) => {
      if (typeof sub !== 'string') return {}
      const account = sub.split(':')[4]
      return { ...(account && { account }), principal: sub }
    },
    verify: (kind, { principal_arn, account_id }, { account, principal = '' }) => {
      if (account_id !== undefined && account !== account_id) return `it is to be account ${account_id}`
      if (principal_arn !== undefined && !isPrincipal(principal, principal_arn))
        return `it is to be ${principal_arn}`
      if (kind === 'aws/root' && !isRoot(principal)) return 'it is to be the root user'
      return undefined
    },
    warn: ({ principal = '' }) =>
      isRoot(principal)
        ? 'this is the root user, who may do everything: better to log in as a user or a role'
        : undefined,
  },
  tokens: {
    wire: awsWire,
    refresh: {
      margin: 5 * 60_000,
      dead: ['TOKEN_EXPIRED', 'USER_CREDENTIALS_CHANGED', 'AUTHCODE_EXPIRED', 'invalid_grant'],
      // AWS sends it for an unknown refresh token, for one of another region, and for other faults.
      unclear: ['INVALID_REQUEST'],
      session: 12 * 60 * 60_000,
    },
    errorMessages: {
      TOKEN_EXPIRED: { message: 'the AWS session is over' },
      AUTHCODE_EXPIRED: { message: 'the code expired before it was redeemed' },
      USER_CREDENTIALS_CHANGED: { message: 'the password was changed since the login' },
      INSUFFICIENT_PERMISSIONS: {
        message: 'this principal may not sign in from the command line',
        hint: POLICY,
      },
      INVALID_REQUEST: { message: 'AWS Sign-In does not take this request' },
    },
  },
  environment: {
    endpoints: {
      signin: ['AWS_ENDPOINT_URL_SIGNIN', 'AWS_ENDPOINT_URL'],
      sts: ['AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL'],
    },
    atLogin: ['AWS_ENDPOINT_URL'],
    export: awsVariables,
  },
  helpers: { console: ({ region = 'us-east-1' }) => `console.${resolvePartition(region).home}` },
  keys: { cloud: 'aws' },
})

const isRoot = (principal: string) => principal.endsWith(':root')

/**
 * Returns whether this is the wanted principal, or a session of the wanted role (STS omits the role's path).
 */
function isPrincipal(principal: string, wanted: string): boolean {
  if (principal === wanted) return true
  const [, partition, account, role] = wanted.match(/^arn:([\w-]+):iam::(\d+):role\/(?:.*\/)?([^/]+)$/) ?? []
  return role !== undefined && principal.startsWith(`arn:${partition}:sts::${account}:assumed-role/${role}/`)
}
