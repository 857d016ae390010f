/**
 * A program of somebody else's that has its keys from AWS' own SDK: `node aws-sdk.mjs PROFILE` prints them, as JSON,
 * or what the SDK says and exits with 1. Without a profile: by the SDK's own chain.
 */
import { fromIni, fromNodeProviderChain } from '@aws-sdk/credential-providers'

const profile = process.argv[2]
try {
  const credentials = await (profile === undefined ? fromNodeProviderChain() : fromIni({ profile }))()
  process.stdout.write(`${JSON.stringify(credentials)}\n`)
} catch (error) {
  process.stderr.write(`${error.name}: ${error.message}\n`)
  process.exitCode = 1
}
