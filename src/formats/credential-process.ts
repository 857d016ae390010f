import { formatTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { Credential, KeysCredential, Time } from '../core/types.ts'

/** Clouds whose tools start a program for their keys. */
export const CLOUDS = ['aws', 'alibaba'] as const
export type Cloud = (typeof CLOUDS)[number]

const isCloud = (cloud: KeysCredential['cloud']): cloud is Cloud => CLOUDS.some((known) => known === cloud)

/**
 * Formats the line that a cloud's tool reads from the process it starts for keys: AWS' `credential_process`,
 * Alibaba Cloud's `External`. Throws `usage` for a token, and for the keys of another cloud.
 */
export function formatCredentialProcess(
  identity: string,
  credential: Credential,
  format: Cloud | undefined,
  clockOffset = 0,
): string {
  if (credential.kind !== 'keys') throw createNotKeysError(identity)
  const { cloud, expiresAt } = credential
  if (!isCloud(cloud)) throw createNotFromProcessError(identity)
  if (format !== undefined && format !== cloud) throw createOtherCloudError(identity, cloud, format)
  // By this machine's clock, which the tool compares it with.
  const expiration = expiresAt === undefined ? undefined : formatIsoSeconds(expiresAt - clockOffset)
  return formatJson(
    cloud === 'aws'
      ? buildAwsCredentials(credential, expiration)
      : buildAlibabaCredentials(credential, expiration),
  )
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
function buildAwsCredentials(
  { accessKeyId, secretAccessKey, sessionToken }: KeysCredential,
  Expiration?: string,
) {
  return {
    Version: 1,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken && { SessionToken: sessionToken.reveal() }),
    ...(Expiration && { Expiration }),
  }
}

/** Includes `mode`: without it aliyun-cli starts the process again and again. */
function buildAlibabaCredentials(
  { accessKeyId, secretAccessKey, sessionToken }: KeysCredential,
  expiration?: string,
) {
  return {
    mode: sessionToken ? 'StsToken' : 'AK',
    access_key_id: accessKeyId,
    access_key_secret: secretAccessKey.reveal(),
    ...(sessionToken && { sts_token: sessionToken.reveal() }),
    ...(expiration && { expiration }),
  }
}

const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Formats `2026-01-02T03:04:05Z`, as its readers expect it; a year above 9999 would be longer. */
export const formatIsoSeconds = (time: Time) => formatTime(Math.min(Math.max(time, 0), LAST_TIME))

const createNotKeysError = (identity: string) =>
  new DaypassError('usage', `${identity} has a token, not cloud keys`, {
    advice: { verb: 'token', identity },
  })

const createNotFromProcessError = (identity: string) =>
  new DaypassError('usage', `no tool takes the keys of ${identity} from a program`, {
    hint: (command) =>
      `use ${command({ verb: 'env', identity })} or ${command({ verb: 'exec', identity, flags: ['--', 'CMD'] })}`,
  })

const createOtherCloudError = (identity: string, cloud: Cloud, format: Cloud) =>
  new DaypassError('usage', `${identity} has keys of ${TITLE[cloud]}, not of ${TITLE[format]}`, {
    advice: { verb: 'credential-process', identity, flags: ['--format', cloud] },
  })

const TITLE: Record<Cloud, string> = { aws: 'AWS', alibaba: 'Alibaba Cloud' }
