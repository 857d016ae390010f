import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { type Ask, type Reply, stsRefused } from './message.ts'
import type { KeyRing, Keys } from './principals.ts'

/** ACS3-HMAC-SHA256, recomputed from the request. */

/** Milliseconds that `x-acs-date` may be off. */
const PATIENCE = 15 * 60_000

interface Authorization {
  accessKeyId: string
  signedHeaders: readonly string[]
  signature: string
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

const encoded = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const letter = String.fromCharCode(byte)
      return /[\w.~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')

function canonical(ask: Ask, signedHeaders: readonly string[]): string {
  const pairs = [...ask.url.searchParams].map(([name, value]) => [encoded(name), encoded(value)] as const)
  const query = pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = signedHeaders.map((name) => `${name}:${String(ask.headers[name] ?? '').trim()}\n`)
  return [
    ask.method,
    ask.url.pathname,
    query,
    headers.join(''),
    signedHeaders.join(';'),
    ask.headers['x-acs-content-sha256'],
  ].join('\n')
}

function readAuthorization({ headers }: Ask): Authorization | undefined {
  const [, accessKeyId, names, signature] =
    headers.authorization?.match(
      /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/,
    ) ?? []
  return accessKeyId === undefined
    ? undefined
    : { accessKeyId, signedHeaders: names!.split(';'), signature: signature! }
}

/** Whatever a thief could change must be signed: the host, the type, and all that begins with `x-acs-`. */
function unsigned({ headers }: Ask, { signedHeaders }: Authorization): string | undefined {
  const needed = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-acs-'))
  return needed.find((name) => !signedHeaders.includes(name))
}

function dateProblem({ headers }: Ask, clock: Clock): Reply | undefined {
  const said = String(headers['x-acs-date'] ?? '')
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(said))
    return stsRefused(
      400,
      'InvalidTimeStamp.Format',
      'Specified time stamp or date value is not well formatted.',
    )
  if (Math.abs(Date.parse(said) - clock.told()) <= PATIENCE) return undefined
  return stsRefused(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.')
}

function tokenProblem(ask: Ask, keys: Keys, keyRing: KeyRing): Reply | undefined {
  const token = ask.headers['x-acs-security-token']
  if (keys.securityToken !== undefined && token === undefined)
    return stsRefused(400, 'MissingSecurityToken', 'SecurityToken is mandatory for this action.')
  if (token !== keys.securityToken)
    return stsRefused(
      400,
      'InvalidSecurityToken.MismatchWithAccessKey',
      'Specified SecurityToken mismatch with the AccessKey.',
    )
  return keyRing.isExpired(keys)
    ? stsRefused(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.')
    : undefined
}

const mismatch = (toSign: string) =>
  stsRefused(
    400,
    'SignatureDoesNotMatch',
    `Specified signature is not matched with our calculation. server string to sign is:${toSign}`,
  )

/** Whose request this is, or a no. */
export function createGuard(keyRing: KeyRing, clock: Clock) {
  const nonces = new Set<string>()
  return (ask: Ask): { keys: Keys } | Reply => {
    const read = readAuthorization(ask)
    if (read === undefined)
      return stsRefused(
        400,
        'IncompleteSignature',
        'The request signature does not conform to Aliyun standards.',
      )
    const keys = keyRing.find(read.accessKeyId)
    if (keys === undefined || (ask.headers['x-acs-accesskey-id'] ?? read.accessKeyId) !== read.accessKeyId)
      return stsRefused(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.')
    const date = dateProblem(ask, clock)
    if (date) return date
    const open = unsigned(ask, read)
    const body = hash(ask.body) === ask.headers['x-acs-content-sha256']
    const request = canonical(ask, read.signedHeaders)
    const toSign = `ACS3-HMAC-SHA256\n${hash(request)}`
    const wanted = createHmac('sha256', keys.accessKeySecret).update(toSign).digest('hex')
    const right = timingSafeEqual(Buffer.from(read.signature), Buffer.from(wanted))
    if (open !== undefined || !body || !right) return mismatch(toSign.replace('\n', ' '))
    const nonce = String(ask.headers['x-acs-signature-nonce'] ?? '')
    if (nonce === '' || nonces.has(nonce))
      return stsRefused(400, 'SignatureNonceUsed', 'The request signature nonce has been used.')
    nonces.add(nonce)
    return tokenProblem(ask, keys, keyRing) ?? { keys }
  }
}
