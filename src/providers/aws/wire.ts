import type { WireFormat } from '../../core/types.ts'

type Json = Record<string, unknown>

/**
 * AWS Sign-In (service model `signin`, 2023-01-01): OAuth 2.0 in JSON with camel-case names, access tokens
 * that are keys, and its own name for the challenge method. Some answers use snake case; both are read.
 */
export const awsWire: WireFormat = {
  challengeMethod: 'SHA-256',
  parameters: [
    'response_type',
    'client_id',
    'redirect_uri',
    'scope',
    'state',
    'code_challenge',
    'code_challenge_method',
  ],
  encodeRequest: (form) => ({
    type: 'application/json',
    body: JSON.stringify(
      Object.fromEntries([...form].map(([name, value]) => [convertToCamelCase(name), value])),
    ),
  }),
  decodeResponse({ message, ...json }) {
    const named = Object.fromEntries(
      Object.entries(json).map(([name, value]) => [convertToSnakeCase(name), value]),
    )
    return {
      ...named,
      ...('access_token' in named && { access_token: encodeKeys(named.access_token) }),
      ...(message !== undefined && { error_description: message }),
    }
  },
  tokenTypes: ['aws_sigv4'],
  // AWS has one code for every fault of a request.
  proofErrors: ['INVALID_REQUEST'],
  parseKeys(accessToken) {
    const { access_key_id, secret_access_key, session_token } = JSON.parse(accessToken) as Keys
    return {
      cloud: 'aws',
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key,
      sessionToken: session_token,
    }
  },
}

interface Keys {
  access_key_id: string
  secret_access_key: string
  session_token: string
}

/** Returns undefined where one of the three parts is missing: then the answer has no access token. */
function encodeKeys(said: unknown): string | undefined {
  if (typeof said !== 'object' || said === null) return undefined
  const named = Object.fromEntries(
    Object.entries(said as Json).map(([name, value]) => [convertToSnakeCase(name), value]),
  )
  const { access_key_id, secret_access_key, session_token } = named
  const keys = { access_key_id, secret_access_key, session_token }
  const whole = Object.values(keys).every((value) => typeof value === 'string' && value !== '')
  return whole ? JSON.stringify(keys) : undefined
}

const convertToCamelCase = (name: string) =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const convertToSnakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
