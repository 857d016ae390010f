import type { Variables } from '../env-variables.ts'

/** https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html */
export const awsVariables: Variables = {
  accessKeyId: ['AWS_ACCESS_KEY_ID'],
  secretAccessKey: ['AWS_SECRET_ACCESS_KEY'],
  sessionToken: ['AWS_SESSION_TOKEN'],
  expiration: ['AWS_CREDENTIAL_EXPIRATION'],
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  clears: [
    // A named profile wins over keys.
    'AWS_PROFILE',
    'AWS_DEFAULT_PROFILE',
    // botocore reads this old name of the session token first.
    'AWS_SECURITY_TOKEN',
    // It belongs to the keys that were set together with it.
    'AWS_CREDENTIAL_SCOPE',
    'AWS_ROLE_ARN',
    'AWS_ROLE_SESSION_NAME',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  ],
  // The SDKs ask this URL after keys of the environment and after the profile files.
  live: {
    answer: 'container',
    url: ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
    bearer: ['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
    bearerFile: ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'],
    emptied: [
      'AWS_CONFIG_FILE',
      'AWS_SHARED_CREDENTIALS_FILE',
      // Read by the first SDK for Java.
      'AWS_CREDENTIAL_PROFILES_FILE',
      // Default `~/.boto`, where gsutil stores keys and botocore reads them.
      'BOTO_CONFIG',
    ],
    clears: [
      // A file of the first EC2 tools, which botocore reads too.
      'AWS_CREDENTIAL_FILE',
      // Other names for keys in the SDKs for Go (and so Terraform), Java and Ruby.
      'AWS_ACCESS_KEY',
      'AWS_SECRET_KEY',
      'AMAZON_ACCESS_KEY_ID',
      'AMAZON_SECRET_ACCESS_KEY',
    ],
  },
}
