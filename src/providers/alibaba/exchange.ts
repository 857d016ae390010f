import type { Exchange } from '../../core/types.ts'

type Json = Record<string, unknown>

const TOO_SHORT = /token expire time is too short/i

/** `POST /v1/exchange` with an access token gives keys of the security token service (STS). */
export const alibabaExchange: Exchange = {
  cloud: 'alibaba',
  // Keys live for a while, and a token that has less left than they would is refused.
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

/** In the spelling of its OAuth service, or in that of its other services. */
const findField = (answer: Json, name: string) =>
  answer[name] ?? answer[name[0]!.toUpperCase() + name.slice(1)]

function findTextField(answer: Json, name: string): string | undefined {
  const value = findField(answer, name)
  return typeof value === 'string' ? value : undefined
}
