import type { Variables } from './define.ts'

/** Of Alibaba Cloud's own tools and SDKs (`ALIBABA_CLOUD_*`), and of Terraform, Packer and Ansible (`ALICLOUD_*`). */
export const alibabaVariables: Variables = {
  accessKeyId: ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALICLOUD_ACCESS_KEY'],
  secretAccessKey: ['ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'ALICLOUD_SECRET_KEY'],
  sessionToken: ['ALIBABA_CLOUD_SECURITY_TOKEN', 'ALICLOUD_SECURITY_TOKEN'],
  region: ['ALIBABA_CLOUD_REGION_ID', 'ALICLOUD_REGION'],
}
