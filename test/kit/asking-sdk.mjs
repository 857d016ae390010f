/**
 * A program of somebody else's that runs for long: at each line of standard input it calls its cloud with whatever
 * credential the cloud's own SDK has then, by the SDK's own chain. `node asking-sdk.mjs aws|alibaba` answers one line of
 * JSON: the key and whose it is, as the cloud says, or what the SDK says. STS_HOST is where Alibaba Cloud's is.
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
    const load = createRequire(import.meta.url)
    const { default: Credential } = load('@alicloud/credentials')
    const { default: Client } = load('@alicloud/sts20150401')
    // What the client itself stands on.
    const { $OpenApiUtil } = createRequire(load.resolve('@alicloud/sts20150401'))('@alicloud/openapi-core')
    const credential = new Credential()
    const where = { endpoint: process.env.STS_HOST, protocol: 'http', regionId: 'cn-hangzhou' }
    const sts = new Client(new $OpenApiUtil.Config({ ...where, credential }))
    return async () => {
      const { body } = await sts.getCallerIdentity()
      return { key: (await credential.getCredential()).accessKeyId, who: body.arn }
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
