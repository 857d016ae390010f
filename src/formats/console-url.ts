/**
 * Builds addresses of AWS' web console from keys: the federation endpoint returns a sign-in token for them,
 * and the token opens the console.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
 */
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { KeysCredential } from '../core/types.ts'

/** Returns the address of the sign-in token. It holds the keys: fetch it, and never show it. */
export function getSigninTokenUrl(federationBase: string, credential: KeysCredential): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credential
  if (credential.cloud !== 'aws') throw createNotForConsoleError('these keys are of another cloud')
  if (!sessionToken)
    throw createNotForConsoleError('the console takes temporary keys, and these are permanent')
  const session = {
    sessionId: accessKeyId,
    sessionKey: secretAccessKey.reveal(),
    sessionToken: sessionToken.reveal(),
  }
  return addQuery(federationBase, { Action: 'getSigninToken', Session: JSON.stringify(session) })
}

const createNotForConsoleError = (message: string) =>
  new DaypassError('usage', message, { hint: 'use an identity of a browser login or a role' })

export interface ConsolePage {
  /** The address where a person can log in again after the session ended. */
  issuer?: string | undefined
  /** A page of the console. Default: the one of `service`. */
  destination?: string | undefined
  /** The console of the partition: `console.aws.amazon.com`. */
  consoleHost: string
  region?: string | undefined
  /** `s3`, `ec2`, …; without it the front page of the console. */
  service?: string | undefined
}

/** Returns the browser's address. It signs in its reader until the sign-in token expires (minutes). */
export function buildConsoleUrl(federationBase: string, signinToken: Secret, page: ConsolePage): string {
  return addQuery(federationBase, {
    Action: 'login',
    ...(page.issuer !== undefined && { Issuer: page.issuer }),
    Destination: buildDestination(page),
    SigninToken: signinToken.reveal(),
  })
}

function buildDestination({ destination, consoleHost, region, service = 'console' }: ConsolePage): string {
  if (destination !== undefined) return assertConsolePage(destination, consoleHost)
  const path = PAGES.get(service) ?? assertPlainWord(service, 'service')
  if (region === undefined) return `https://${consoleHost}/${path}/home`
  const at = assertPlainWord(region, 'region')
  return `https://${at}.${consoleHost}/${path}/home?region=${at}`
}

/** Services whose console page differs from the name on the command line. */
const PAGES = new Map([
  ['dynamodb', 'dynamodbv2'],
  ['sfn', 'states'],
  ['stepfunctions', 'states'],
  ['sso', 'singlesignon'],
  ['logs', 'cloudwatch'],
  ['vpc', 'vpcconsole'],
])

/** Throws `usage` unless it is a plain word: it becomes a part of a host and of a path. */
function assertPlainWord(word: string, what: string): string {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(word)) return word
  throw new DaypassError('usage', `${JSON.stringify(word.slice(0, 40))} is no name of a ${what}`, {
    hint: what === 'region' ? 'write it like eu-west-1' : 'write it like s3, ec2 or cloudwatch',
  })
}

/** Throws `usage` unless it is a page of the console: the sign-in must not redirect to another site. */
function assertConsolePage(destination: string, consoleHost: string): string {
  const url = URL.canParse(destination) ? new URL(destination) : undefined
  const own = url && (url.host === consoleHost || url.host.endsWith(`.${consoleHost}`))
  if (own && url.protocol === 'https:' && !url.username && !url.password) return url.href
  throw new DaypassError('usage', `the destination is no page of ${consoleHost}`, {
    hint: `it begins with https://${consoleHost}/`,
  })
}

function addQuery(base: string, query: Record<string, string>): string {
  const url = new URL(base)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}
