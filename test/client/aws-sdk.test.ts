/** `daypass/aws`: what the clients of AWS's own SDK are given. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { expect, onTestFinished, test } from 'vitest'
import { fromDaypass } from '../../src/aws.ts'
import { startAws } from '../stand-ins/aws/server.ts'
import { failureOf, world } from './client-context.ts'

async function signedIn(credentialsTtl?: number) {
  const aws = await startAws({ regions: ['us-east-1'], ...(credentialsTtl && { credentialsTtl }) })
  onTestFinished(() => aws.close())
  const w = await world({ env: { AWS_ENDPOINT_URL: aws.url } })
  await w.daypass.login('aws', { name: 'work' })
  const sts = new STSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: fromDaypass({ identity: 'work', daypass: w.daypass }),
  })
  onTestFinished(() => sts.destroy())
  const whoAmI = async () => (await sts.send(new GetCallerIdentityCommand({}))).Arn
  return { aws, ...w, whoAmI }
}

const renewals = (aws: Awaited<ReturnType<typeof startAws>>) => aws.stats().sessions[0]!.renewals

test('a client of the SDK calls with keys of the identity, asked for once while they are good', async () => {
  const w = await signedIn()
  expect(await w.whoAmI()).toBe('arn:aws:iam::111122223333:user/ada')
  expect(await w.whoAmI()).toBe('arn:aws:iam::111122223333:user/ada')
  expect(renewals(w.aws)).toBe(0)
})

test('it asks again when they run out, and they are renewed', async () => {
  const w = await signedIn(60)
  await w.whoAmI()
  // Three quarters of their minute are over.
  w.advance(45_000)
  w.aws.setClockOffset(45_000)
  expect(await w.whoAmI()).toBe('arn:aws:iam::111122223333:user/ada')
  expect(renewals(w.aws)).toBe(1)
})

test('an identity without keys of AWS is told so', async () => {
  const w = await world({ env: { GITHUB_TOKEN: 'gho_example' } })
  expect(await failureOf(fromDaypass({ daypass: w.daypass })())).toMatchObject({
    code: 'usage',
    message: '(environment) has no keys of AWS',
    hint: 'daypass login aws',
  })
})
