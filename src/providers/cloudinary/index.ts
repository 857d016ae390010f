import type { Account } from '../../core/types.ts'
import { defineProvider } from '../provider.ts'
import { cloudinaryVariables, parseCloudinaryUrl, removeTrailingSlash } from './url.ts'

/** https://cloudinary.com/documentation/oauth. The client is that of Cloudinary's own command-line tool. */
export const cloudinary = defineProvider({
  id: 'cloudinary',
  title: 'Cloudinary',
  kind: 'cloudinary/account',
  params: {
    region: {
      about: 'where the account lives: api, or api-eu (also: eu), api-ap, …',
      flag: { value: 'region', about: 'the region' },
      env: ['CLOUDINARY_REGION'],
      // The region becomes part of a host name.
      like: { pattern: /^[a-z][a-z0-9-]{0,31}$/, example: 'eu' },
      default: 'api',
    },
    cloud_name: {
      about: 'the cloud that must have been logged in to, and whose the keys of config.yaml are',
    },
  },
  // Two regions may have a cloud of the same name, so the region is added unless it is the default.
  nameFor: ({ region }, { account } = {}) =>
    account && [account, normalizeApiRegion(region).replace(/^api-?/, '')].filter(Boolean).join('-'),
  endpoints: {
    urls: ({ region }, { oauth, token, api }) => {
      const own = token === undefined ? `https://${buildOauthHost(region)}` : new URL(token).origin
      const base = removeTrailingSlash(oauth ?? own)
      return {
        authorization: `${base}/oauth2/auth`,
        token: `${base}/oauth2/token`,
        revocation: `${base}/oauth2/revoke`,
        api: api ?? `https://${normalizeApiRegion(region)}.cloudinary.com`,
      }
    },
  },
  client: {
    id: 'a920ea9c-531b-4613-9783-1d4f4cc10655',
    env: ['CLOUDINARY_OAUTH_CLIENT_ID'],
    register: ['nothing to register: this is the public client of Cloudinary for command lines'],
  },
  authorization: {
    scopes: ['openid', 'offline_access', 'asset_management', 'upload'],
    scopesEnv: ['CLOUDINARY_OAUTH_SCOPES'],
    // The server compares the redirect URI exactly, so no other port is possible.
    redirect: { host: '127.0.0.1', ports: [49_421], path: '/callback' },
    redirectEnv: { host: ['CLOUDINARY_OAUTH_REDIRECT_HOST'], port: ['CLOUDINARY_OAUTH_REDIRECT_PORT'] },
  },
  methods: ['browser', 'paste', 'keys'],
  account: {
    read: ({ ext }) => parseCloudAccount(ext),
    ping: (account, { api }) => `${removeTrailingSlash(api!)}/v1_1/${encodeURIComponent(account)}/ping`,
    verify: (_kind, { cloud_name }, { account }) =>
      cloud_name === undefined || cloud_name === account ? undefined : `it is to be the cloud ${cloud_name}`,
    required: 'the access token names no cloud (ext.cloud_name), and without one nothing can be asked',
  },
  tokens: { jwt: true },
  environment: {
    credentialUrl: {
      env: ['CLOUDINARY_URL'],
      example: 'cloudinary://KEY:SECRET@CLOUD',
      read: parseCloudinaryUrl,
    },
    endpoints: { oauth: ['CLOUDINARY_OAUTH_URL'], api: ['CLOUDINARY_UPLOAD_PREFIX'] },
    export: cloudinaryVariables,
  },
  // A token is valid for five minutes, and the SDKs cannot ask for a new one.
  helpers: { proxyEndpoint: 'api' },
  keys: { cloud: 'cloudinary' },
})

/** Reads a region as the vendor's own tool does: `eu` is `api-eu`. */
const normalizeApiRegion = (region = 'api') => (region.startsWith('api') ? region : `api-${region}`)

/** The public regions share one authorization server; other regions, with longer names, have their own. */
function buildOauthHost(region: string | undefined): string {
  const [, ...rest] = normalizeApiRegion(region).split('-')
  const suffix = rest.join('-')
  return `oauth${suffix.length > 2 ? `-${suffix}` : ''}.cloudinary.com`
}

function parseCloudAccount(ext: unknown): Account {
  const { cloud_name: cloud } = (ext ?? {}) as { cloud_name?: unknown }
  return typeof cloud === 'string' && cloud !== '' ? { account: cloud } : {}
}
