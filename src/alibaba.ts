/**
 * Provides credentials for Alibaba Cloud's SDK for JavaScript (`daypass/alibaba`): the keys of an identity,
 * renewed when needed. The SDK's clients ask before each request, so a program that runs for days never uses
 * expired keys.
 */
import type { CredentialOptions, Daypass } from './client/index.ts'
import { DaypassError } from './core/errors.ts'
import { createDaypass } from './index.ts'

/** The shape of `Credentials` in `@alicloud/credentials`. */
export interface AlibabaCredentials {
  accessKeyId: string
  accessKeySecret: string
  /** Empty for permanent keys. */
  securityToken: string
  providerName: string
}

/** The shape of `CredentialModel` in `@alicloud/credentials`. */
export interface AlibabaCredentialModel extends AlibabaCredentials {
  type: 'sts' | 'access_key'
}

/** The argument of `new Credential(…)` in `@alicloud/credentials`, and the methods that its clients call. */
export interface AlibabaCredentialsProvider {
  getCredentials(): Promise<AlibabaCredentials>
  getCredential(): Promise<AlibabaCredentialModel>
  getProviderName(): string
}

export interface FromDaypassOptions extends Pick<CredentialOptions, 'minTtl'> {
  /** Default: the current identity, chosen as on the command line. */
  identity?: string
  /** Default: `createDaypass()`. */
  daypass?: Daypass
}

const NAME = 'daypass'

/**
 * Creates a credentials provider for the clients of the SDK. Never opens a browser: throws `DaypassError`
 * `login_required` where a login is needed.
 *
 * @example
 * const credential = new Credential(null, fromDaypass({ identity: 'work' }))
 * const ecs = new Ecs(new Config({ credential, regionId: 'cn-hangzhou' }))
 */
export function fromDaypass(options: FromDaypassOptions = {}): AlibabaCredentialsProvider {
  const { identity, daypass = createDaypass(), minTtl } = options
  const getCredentials = async () => {
    const handed = await daypass.getCredential(identity, minTtl === undefined ? {} : { minTtl })
    const { credential } = handed
    if (credential.kind !== 'keys' || credential.cloud !== 'alibaba')
      throw new DaypassError('usage', `${handed.identity} has no keys of Alibaba Cloud`, {
        advice: { verb: 'login', args: ['alibaba'] },
      })
    const { accessKeyId, secretAccessKey, sessionToken } = credential
    return {
      accessKeyId,
      accessKeySecret: secretAccessKey.reveal(),
      securityToken: sessionToken?.reveal() ?? '',
      providerName: NAME,
    }
  }
  return {
    getCredentials,
    async getCredential() {
      const credentials = await getCredentials()
      return { ...credentials, type: credentials.securityToken === '' ? 'access_key' : 'sts' }
    },
    getProviderName: () => NAME,
  }
}
