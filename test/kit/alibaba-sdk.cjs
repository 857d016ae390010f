/**
 * A program of somebody else's that has its keys from Alibaba Cloud's own SDK, by the SDK's own chain: prints them, as
 * JSON, or what the SDK says and exits with 1. ALIBABA_CLOUD_PROFILE names the profile.
 */
const { default: Credential } = require('@alicloud/credentials')

new Credential().getCredential().then(
  (credential) => process.stdout.write(`${JSON.stringify(credential)}\n`),
  (error) => {
    process.stderr.write(`${error.name}: ${error.message}\n`)
    process.exitCode = 1
  },
)
