import { formatJson } from '../core/json.ts'
import type { KeysCredential } from '../core/types.ts'
import type { LiveVariables } from '../providers/env-variables.ts'
import { formatIsoSeconds } from './credential-process.ts'

/** The values that the answer needs beside the keys. */
interface KeysContext {
  account?: string | undefined
  clockOffset: number
}

/** Formats keys as JSON, as the SDKs of their cloud read them. */
export const formatContainerCredentials = (
  form: LiveVariables['answer'],
  keys: KeysCredential,
  { account, clockOffset }: KeysContext,
): string => {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = keys
  const secret = secretAccessKey.reveal()
  const token = sessionToken?.reveal()
  // By this machine's clock, which the SDK compares it with.
  const Expiration = expiresAt === undefined ? undefined : formatIsoSeconds(expiresAt - clockOffset)
  const AccountId = account && /^\d{12}$/.test(account) ? account : undefined
  return formatJson(
    form === 'container'
      ? // https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
        { AccessKeyId: accessKeyId, SecretAccessKey: secret, Token: token, Expiration, AccountId }
      : {
          // aliyun requires it.
          Code: 'Success',
          AccessKeyId: accessKeyId,
          AccessKeySecret: secret,
          SecurityToken: token,
          Expiration,
        },
  )
}
