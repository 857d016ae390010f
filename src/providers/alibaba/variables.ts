import type { Variables } from '../env-variables.ts'

/** Of Alibaba Cloud's tools (`ALIBABA_CLOUD_*`), and of Terraform, Packer and Ansible (`ALICLOUD_*`). */
export const alibabaVariables: Variables = {
  accessKeyId: ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALICLOUD_ACCESS_KEY'],
  secretAccessKey: ['ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'ALICLOUD_SECRET_KEY'],
  sessionToken: ['ALIBABA_CLOUD_SECURITY_TOKEN', 'ALICLOUD_SECURITY_TOKEN'],
  region: ['ALIBABA_CLOUD_REGION_ID', 'ALICLOUD_REGION'],
  regionAlways: true,
  sets: {
    // aliyun uses keys of the environment only where its profile has none.
    ALIBABA_CLOUD_IGNORE_PROFILE: 'TRUE',
    // The SDKs would write the credentials that they find into that file.
    ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true',
  },
  clears: [
    'ALIBABA_CLOUD_PROFILE',
    'ALIBABACLOUD_PROFILE',
    'ALICLOUD_PROFILE',
    // With these, aliyun would send no keys or other keys.
    'ALIBABA_CLOUD_PROFILE_MODE',
    'ALIBABA_CLOUD_BEARER_TOKEN',
    'ALIBABA_CLOUD_CREDENTIALS_URI',
    // With these, the SDKs would assume a role, with the keys or with another credential.
    'ALIBABA_CLOUD_ROLE_ARN',
    'ALIBABACLOUD_ROLE_ARN',
    'ALIBABA_CLOUD_ROLE_SESSION_NAME',
    'ALIBABA_CLOUD_EXTERNAL_ID',
    'ALIBABACLOUD_EXTERNAL_ID',
    'ALIBABA_CLOUD_OIDC_PROVIDER_ARN',
    'ALIBABACLOUD_OIDC_PROVIDER_ARN',
    'ALIBABA_CLOUD_OIDC_TOKEN_FILE',
    'ALIBABACLOUD_OIDC_TOKEN_FILE',
    'ALICLOUD_ASSUME_ROLE_ARN',
    'ALICLOUD_ASSUME_ROLE_SESSION_NAME',
    'ALIBABA_CLOUD_ECS_METADATA',
    'ALICLOUD_ECS_ROLE_NAME',
    // Other names of the same values, which some programs read first.
    'ALIBABACLOUD_ACCESS_KEY_ID',
    'ALIBABACLOUD_ACCESS_KEY_SECRET',
    'ALIBABACLOUD_SECURITY_TOKEN',
    'ALICLOUD_ACCESS_KEY_ID',
    'ALICLOUD_ACCESS_KEY_SECRET',
    'ALICLOUD_SECRET_ACCESS_KEY',
  ],
  // The SDKs ask this URL after all other sources.
  live: {
    answer: 'credentials-uri',
    url: ['ALIBABA_CLOUD_CREDENTIALS_URI'],
    emptied: ['ALIBABA_CLOUD_CREDENTIALS_FILE'],
    sets: { ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' },
    // With this variable, aliyun would not ask the URL.
    clears: ['ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS'],
  },
}
