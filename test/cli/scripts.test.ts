import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { type AwsStandIn, startAws } from '../aws/server.ts'
import { BROWSER } from '../kit/cli.ts'
import { runScript } from '../kit/script.ts'

const SCRIPTS = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'))

/** As in the documentation of AWS, and of many who write examples. */
const ACCOUNT = '123456789012'
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`

const cloud = () =>
  startAws({
    account: ACCOUNT,
    roles: [
      { arn: roleArn('AdminRole'), trust: [`arn:aws:iam::${ACCOUNT}:root`] },
      { arn: roleArn('Audit'), trust: [roleArn('AdminRole')], externalId: 'acme/audit' },
      { arn: roleArn('Closed'), trust: [] },
    ],
  })

let server: AuthorizationServer
let aws: AwsStandIn
afterEach(async () => {
  await server.close()
  await aws.close()
})

/** Each is a story, to be read; see test/kit/script.ts for how. */
test.each(SCRIPTS)('%s', async (name) => {
  server = await startAuthorizationServer({ refresh: 'reusable' })
  const { issuer, clientId } = server
  aws = await cloud()
  const there = { AWS: aws.url, AWS_HOST: new URL(aws.url).host }
  const variables = {
    ISSUER: issuer,
    CLIENT: clientId,
    OPENER: BROWSER,
    HOST: new URL(issuer).host,
    ...there,
  }
  await runScript(readFileSync(join(import.meta.dirname, name), 'utf8'), variables)
  expect(server.stats().reuses).toBe(0)
  expect(aws.stats().sessions.filter(({ reuses }) => reuses > 0)).toEqual([])
})
