import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { BROWSER } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { runScript } from '../kit/script.ts'
import { startAlibaba } from '../stand-ins/alibaba/server.ts'
import { startAws } from '../stand-ins/aws/server.ts'
import { startCloudinary } from '../stand-ins/cloudinary/server.ts'
import { startPassport } from '../stand-ins/passport/server.ts'

/** What a second Node could do otherwise: HTTP, keys, the start of other programs. */
const AGAIN = ['aws.txt', 'env-and-exec.txt', 'first-login.txt', 'two-steps.txt']

const SCRIPTS = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.txt'))
  .filter((name) => !process.env.DAYPASS_TEST_AGAIN || AGAIN.includes(name))

/** As in the documentation of AWS, and of many who write examples. */
const ACCOUNT = '123456789012'
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`

/** Where a script finds a service, and how often that has seen a refresh token or a session twice. */
interface Place {
  variables: Record<string, string>
  reuses(): number
  close(): Promise<void>
}

const sum = (counted: readonly { reuses: number }[]) =>
  counted.reduce((total, { reuses }) => total + reuses, 0)
const hostOf = (url: string) => new URL(url).host

async function standard(): Promise<Place> {
  const server = await startAuthorizationServer({ refresh: 'reusable' })
  const { issuer, clientId } = server
  const variables = { ISSUER: issuer, CLIENT: clientId, HOST: hostOf(issuer) }
  return { variables, reuses: () => server.stats().reuses, close: () => server.close() }
}

async function amazon(): Promise<Place> {
  const aws = await startAws({
    account: ACCOUNT,
    roles: [
      { arn: roleArn('AdminRole'), trust: [`arn:aws:iam::${ACCOUNT}:root`] },
      { arn: roleArn('Audit'), trust: [roleArn('AdminRole')], externalId: 'acme/audit' },
      { arn: roleArn('Closed'), trust: [] },
    ],
  })
  const variables = { AWS: aws.url, AWS_HOST: hostOf(aws.url) }
  return { variables, reuses: () => sum(aws.stats().sessions), close: () => aws.close() }
}

async function alibaba(): Promise<Place> {
  const ali = await startAlibaba({ site: 'intl' })
  const variables = { ALI: ali.url, ALI_HOST: hostOf(ali.url) }
  return { variables, reuses: () => sum(ali.stats().families), close: () => ali.close() }
}

async function cloudinary(): Promise<Place> {
  const cloud = await startCloudinary()
  const variables = {
    CLD_OAUTH: cloud.oauthUrl,
    CLD_API: cloud.apiUrl,
    CLD_HOST: hostOf(cloud.apiUrl),
    CLD_PORT: String(cloud.redirectPort),
    CLD_SECRET: cloud.key.secret,
  }
  return { variables, reuses: () => cloud.stats().reuses, close: () => cloud.close() }
}

/** Two environments of one application, each with its own logins. */
async function autocom(): Promise<Place> {
  const production = await startPassport({
    clientId: 'production-cli',
    personalTokens: ['pat-of-the-platform'],
  })
  const staging = await startPassport({ clientId: 'staging-cli', personalTokens: ['pat-of-staging'] })
  const named = (url: string) => hostOf(url).replace(':', '-')
  const variables = {
    AUTOCOM: production.url,
    AUTOCOM_NAME: named(production.url),
    STAGING: staging.url,
    STAGING_NAME: named(staging.url),
    PORT_TAKEN: new URL(production.url).port,
  }
  return {
    variables,
    reuses: () => sum([production.stats(), staging.stats()]),
    close: async () => void (await Promise.all([production.close(), staging.close()])),
  }
}

let places: Place[] = []
afterEach(async () => void (await Promise.all(places.splice(0).map((each) => each.close()))))

/** Each is a story, to be read; see test/kit/script.ts for how. */
test.for(SCRIPTS)('%s', async (name, context) => {
  const script = readFileSync(join(import.meta.dirname, name), 'utf8')
  needs(context, ...(/^# needs: (.+)$/m.exec(script)?.[1]?.split(' ') ?? []))
  places = await Promise.all([standard(), amazon(), alibaba(), cloudinary(), autocom()])
  const PROGRAMS = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const variables = Object.assign({ OPENER: BROWSER, PROGRAMS }, ...places.map((each) => each.variables))
  await runScript(script, variables)
  expect(places.map((each) => each.reuses())).toEqual(places.map(() => 0))
})
