import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { type AwsStandIn, startAws } from '../aws/server.ts'
import type { CloudinaryStandIn } from '../cloudinary/options.ts'
import { startCloudinary } from '../cloudinary/server.ts'
import { BROWSER } from '../kit/cli.ts'
import { runScript } from '../kit/script.ts'
import { type PassportStandIn, startPassport } from '../passport/server.ts'

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

/** Two environments of one application, each with its own logins. */
const environments = () =>
  Promise.all([
    startPassport({ clientId: 'production-cli', personalTokens: ['pat-of-the-platform'] }),
    startPassport({ clientId: 'staging-cli', personalTokens: ['pat-of-staging'] }),
  ])

let server: AuthorizationServer
let aws: AwsStandIn
let shops: PassportStandIn[] = []
let cloudinary: CloudinaryStandIn
afterEach(async () => {
  await server.close()
  await aws.close()
  await cloudinary.close()
  await Promise.all(shops.map((each) => each.close()))
})

const cloudinaryThere = () => ({
  CLD_OAUTH: cloudinary.oauthUrl,
  CLD_API: cloudinary.apiUrl,
  CLD_HOST: new URL(cloudinary.apiUrl).host,
  CLD_PORT: String(cloudinary.redirectPort),
  CLD_SECRET: cloudinary.key.secret,
})

/** Each is a story, to be read; see test/kit/script.ts for how. */
test.each(SCRIPTS)('%s', async (name) => {
  server = await startAuthorizationServer({ refresh: 'reusable' })
  const { issuer, clientId } = server
  aws = await cloud()
  cloudinary = await startCloudinary()
  shops = await environments()
  const [production, staging] = shops.map(({ url }) => url)
  const named = (url: string) => new URL(url).host.replace(':', '-')
  const there = {
    AWS: aws.url,
    AWS_HOST: new URL(aws.url).host,
    AUTOCOM: production!,
    AUTOCOM_NAME: named(production!),
    STAGING: staging!,
    STAGING_NAME: named(staging!),
    ...cloudinaryThere(),
    PORT_TAKEN: new URL(production!).port,
  }
  const variables = {
    ISSUER: issuer,
    CLIENT: clientId,
    OPENER: BROWSER,
    HOST: new URL(issuer).host,
    ...there,
  }
  await runScript(readFileSync(join(import.meta.dirname, name), 'utf8'), variables)
  expect(server.stats().reuses).toBe(0)
  expect(shops.map((each) => each.stats().reuses)).toEqual([0, 0])
  expect(cloudinary.stats().reuses).toBe(0)
  expect(aws.stats().sessions.filter(({ reuses }) => reuses > 0)).toEqual([])
})
