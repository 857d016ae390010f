/**
 * For Alibaba Cloud's SDK for JavaScript (`daypass/alibaba`): keys of an identity, renewed where they are needed. Its
 * clients ask before each request, so a program that goes on for days never meets keys that are over.
 */
import type { CredentialOptions, Daypass } from './client/index.ts'
import { DaypassError } from './core/errors.ts'
import { createDaypass } from './index.ts'

/** As `Credentials` of `@alicloud/credentials` has it. */
export interface AlibabaCredentials {
  accessKeyId: string
  accessKeySecret: string
  /** Empty: permanent keys have none. */
  securityToken: string
  providerName: string
}

/** As `CredentialModel` of `@alicloud/credentials` has it. */
export interface AlibabaCredentialModel extends AlibabaCredentials {
  type: 'sts' | 'access_key'
}

/** Both what a `Credential` of `@alicloud/credentials` is made from, and what its clients ask of one. */
export interface AlibabaCredentialsProvider {
  getCredentials(): Promise<AlibabaCredentials>
  getCredential(): Promise<AlibabaCredentialModel>
  getProviderName(): string
}

export interface FromDaypassOptions extends Pick<CredentialOptions, 'minTtl'> {
  /** Default: the one that is meant here, as on the command line. */
  identity?: string
  /** Default: `createDaypass()`. */
  daypass?: Daypass
}

const NAME = 'daypass'

/**
 * A credentials provider for the clients of the SDK. Never opens a browser: throws `DaypassError` `login_required`.
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
