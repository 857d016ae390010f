import type { Exchange } from '../../core/types.ts'

type Json = Record<string, unknown>

const TOO_SHORT = /token expire time is too short/i

/** `POST /v1/exchange` exchanges an access token for keys of the security token service (STS). */
export const alibabaExchange: Exchange = {
  cloud: 'alibaba',
  // The service refuses a token that expires before the keys would.
  margin: 20 * 60_000,
  parseKeys(answer) {
    const [accessKeyId, secretAccessKey, sessionToken] = [
      findTextField(answer, 'accessKeyId'),
      findTextField(answer, 'accessKeySecret'),
      findTextField(answer, 'securityToken'),
    ]
    if (!accessKeyId || !secretAccessKey || !sessionToken) return undefined
    return { accessKeyId, secretAccessKey, sessionToken, expiration: findField(answer, 'expiration') }
  },
  wantsNewer: ({ status, error, description }) =>
    status === 401 ||
    error === 'expired_token' ||
    error === 'invalid_token' ||
    (status === 403 && TOO_SHORT.test(description)),
}

/** Finds a field in the spelling of the OAuth service or of the other services. */
const findField = (answer: Json, name: string) =>
  answer[name] ?? answer[name[0]!.toUpperCase() + name.slice(1)]

function findTextField(answer: Json, name: string): string | undefined {
  const value = findField(answer, name)
  return typeof value === 'string' ? value : undefined
}
