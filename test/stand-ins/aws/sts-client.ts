import {
  type AssumeRoleCommandOutput,
  STSClient,
  type STSClientConfig,
  STSServiceException,
} from '@aws-sdk/client-sts'
import { awsHome } from './home.ts'

/** The long-term keys of the user `ada`. */
export const ADA = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** AWS' own client, which asks once if it is not told otherwise. */
export function sts(endpoint: string, credentials: Credentials, more: STSClientConfig = {}): STSClient {
  // It looks for settings in files and in the environment, whatever it is given.
  awsHome()
  return new STSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, ...more })
}

/** Status, code and sentence of a no, as AWS' own client read them. */
export async function stsRefusal(answer: Promise<unknown>) {
  try {
    await answer
  } catch (error) {
    if (!(error instanceof STSServiceException)) throw error
    return [error.$metadata.httpStatusCode, error.name, error.message]
  }
  return 'it was granted'
}

/** The keys of an answer, for the next client. */
export function keysOf({ Credentials: given }: Pick<AssumeRoleCommandOutput, 'Credentials'>): Credentials {
  return {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  }
}
