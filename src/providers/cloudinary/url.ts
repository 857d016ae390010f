import type { Variables } from '../env-variables.ts'
import type { CredentialUrl } from '../provider.ts'

/** https://cloudinary.com/documentation/node_integration#set_required_configuration_parameters */
export const cloudinaryVariables: Variables = {
  // The SDKs read one variable for the whole credential, and no separate token.
  token: [],
  composed: {
    CLOUDINARY_URL(credential, { account, params, endpoints }) {
      const api = removeTrailingSlash(endpoints.api ?? DEFAULT_API_URL)
      const cloud = encodeURIComponent(account ?? params.cloud_name ?? '')
      const prefix = `upload_prefix=${encodeURIComponent(api)}`
      if (cloud === '') return undefined
      if (credential.kind === 'bearer')
        return ['cloudinary://', cloud, '?oauth_token=', credential.token, '&', prefix]
      const { accessKeyId, secretAccessKey } = credential
      const where = api === DEFAULT_API_URL ? '' : `?${prefix}`
      return ['cloudinary://', encodeURIComponent(accessKeyId), ':', secretAccessKey, '@', cloud, where]
    },
  },
  clears: [
    // With this variable, the Python SDK ignores CLOUDINARY_URL and reads the other variables.
    'CLOUDINARY_CLOUD_NAME',
    'CLOUDINARY_API_KEY',
    'CLOUDINARY_API_SECRET',
    'CLOUDINARY_OAUTH_TOKEN',
  ],
}

export const removeTrailingSlash = (url: string) => url.replace(/\/+$/, '')

/** The default API of the SDKs. */
const DEFAULT_API_URL = 'https://api.cloudinary.com'

/**
 * Parses `cloudinary://KEY:SECRET@CLOUD` or `cloudinary://CLOUD?oauth_token=…`, also with `CLOUDINARY_URL=`
 * before it, as the console shows it.
 */
export function parseCloudinaryUrl(text: string): CredentialUrl | undefined {
  const [, said = ''] =
    text
      .trim()
      .match(/^(?:(?:export )?CLOUDINARY_URL=)?(["']?)(cloudinary:.*)\1$/i)
      ?.slice(1) ?? []
  if (!URL.canParse(said)) return undefined
  const { hostname: account, username, password, searchParams } = new URL(said)
  const token = searchParams.get('oauth_token')
  const api = searchParams.get('upload_prefix')
  const whole = { account: decodeUrlPart(account), ...(api && { endpoints: { api } }) }
  if (account === '' || (api && !URL.canParse(api))) return undefined
  // As in the SDKs, a token wins over keys.
  if (token) return { ...whole, token }
  if (!username || !password) return undefined
  return { ...whole, keys: { id: decodeUrlPart(username), secret: decodeUrlPart(password) } }
}

function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
