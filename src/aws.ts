/**
 * Provides credentials for the AWS SDK for JavaScript v3 (`daypass/aws`): the keys of an identity, renewed
 * when needed. The SDK asks again before they expire, so a program that runs for days never uses expired
 * keys.
 */
import type { CredentialOptions, Daypass } from './client/index.ts'
import { DaypassError } from './core/errors.ts'
import { createDaypass } from './index.ts'

/** The shape of `AwsCredentialIdentity` in `@smithy/types`. */
export interface AwsCredentialIdentity {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  /** By the clock of this machine. */
  expiration?: Date
  accountId?: string
}

export interface FromDaypassOptions extends Pick<CredentialOptions, 'minTtl'> {
  /** Default: the current identity, chosen as on the command line. */
  identity?: string
  /** Default: `createDaypass()`. */
  daypass?: Daypass
}

/**
 * Creates a credential provider for the clients of the SDK. Never opens a browser: throws `DaypassError`
 * `login_required` where a login is needed.
 *
 * @example
 * const s3 = new S3Client({ credentials: fromDaypass({ identity: 'work' }) })
 */
export function fromDaypass(options: FromDaypassOptions = {}): () => Promise<AwsCredentialIdentity> {
  const { identity, daypass = createDaypass(), minTtl } = options
  return async () => {
    const handed = await daypass.getCredential(identity, minTtl === undefined ? {} : { minTtl })
    const { credential, header } = handed
    if (credential.kind !== 'keys' || credential.cloud !== 'aws')
      throw new DaypassError('usage', `${handed.identity} has no keys of AWS`, {
        advice: { verb: 'login', args: ['aws'] },
      })
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = credential
    const accountId = header?.account?.account
    return {
      accessKeyId,
      secretAccessKey: secretAccessKey.reveal(),
      ...(sessionToken && { sessionToken: sessionToken.reveal() }),
      ...(expiresAt !== undefined && { expiration: new Date(expiresAt - (header?.clockOffset ?? 0)) }),
      ...(accountId !== undefined && { accountId }),
    }
  }
}
