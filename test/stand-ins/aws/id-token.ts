import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs ID tokens as AWS does: ES384, and an audience that is not quite the client's id. */
export function createIdTokens(clock: Clock, ledger: Ledger) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const kid = randomUUID()

  return function idToken(arn: string, clientId: string): string {
    const iat = Math.floor(clock.told() / 1000)
    const claims = {
      sub: arn,
      session_arn: arn,
      aud: clientId.replace('devtools/', 'cli/'),
      iss: 'https://signin.aws.amazon.com/signin',
      iat,
      exp: iat + 900,
    }
    const input = `${encoded({ alg: 'ES384', typ: 'JWT', kid })}.${encoded(claims)}`
    const signature = sign('sha384', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return ledger.remember(`${input}.${signature.toString('base64url')}`)
  }
}
