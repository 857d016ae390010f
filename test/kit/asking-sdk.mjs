/**
 * A program of somebody else's that runs for long: at each line of standard input it calls its cloud with whatever
 * credential the cloud's own SDK has then, by the SDK's own chain. `node asking-sdk.mjs aws|alibaba` answers one line of
 * JSON: the key and whose it is, or what the SDK says.
 */
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const clouds = {
  async aws() {
    const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
    const credentials = fromNodeProviderChain()
    const sts = new STSClient({ credentials, region: process.env.AWS_REGION })
    return async () => {
      const { Arn } = await sts.send(new GetCallerIdentityCommand({}))
      return { key: (await sts.config.credentials()).accessKeyId, who: Arn }
    }
  },
  async alibaba() {
    const { default: Credential } = createRequire(import.meta.url)('@alicloud/credentials')
    const credential = new Credential()
    return async () => {
      const { accessKeyId, providerName } = await credential.getCredential()
      return { key: accessKeyId, who: providerName }
    }
  },
}

const ask = await clouds[process.argv[2]]()
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'end') break
  const answer = await ask().catch((error) => ({ error: error.message }))
  process.stdout.write(`${JSON.stringify(line === 'env' ? process.env : answer)}\n`)
}
process.exit(0)
