/** What AWS's files offer. */
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { shown } from '../../core/text.ts'
import type { Offer, Source, Taken } from '../importer.ts'
import { loginSessionPath, readLoginSession } from './login-cache.ts'
import { type AwsPaths, awsPaths } from './paths.ts'
import { type FoundInAws, findInAws } from './read-profiles.ts'

export const offersOfAws: Source = {
  title: 'the AWS tools',
  files: (env) => [awsPaths(env).config, awsPaths(env).credentials],
  offers(env) {
    const paths = awsPaths(env)
    return findInAws(paths).map((found) => offerOf(found, paths))
  },
  instead: { verb: 'login', args: ['aws'] },
}

type Of<K extends FoundInAws['kind']> = Extract<FoundInAws, { kind: K }>

const loginAgain = (name: string, flags: readonly string[] = []) =>
  formatCommand({ verb: 'login', args: ['aws'], identity: name, flags })

const NOT_OURS = { sso: 'IAM Identity Center', 'web-identity': 'a web identity' } as const

function offerOf(found: FoundInAws, paths: AwsPaths): Offer {
  const { profile: name } = found
  switch (found.kind) {
    case 'keys':
      return keys(found, paths)
    case 'login-session':
      return session(found, paths)
    case 'role':
      return { name, what: `the role ${shown(found.roleArn)}`, next: roleYaml(found) }
    case 'process':
      return found.ours
        ? { name, what: 'a profile of daypass itself' }
        : { name, what: 'a program that hands out keys', next: loginAgain(name) }
    default:
      return { name, what: NOT_OURS[found.kind], next: found.hint }
  }
}

function keys(found: Of<'keys'>, paths: AwsPaths): Offer {
  const { profile: name, accessKeyId, secretAccessKey, sessionToken, region, file } = found
  if (sessionToken) return { name, what: 'temporary keys', next: loginAgain(name) }
  return {
    name,
    what: `the access key ${new Secret(accessKeyId).masked()}`,
    next: `the keys still stand in ${paths[file]}: remove them there when this works`,
    take: async (issuedAt) => ({
      provider: 'aws',
      method: 'keys',
      params: region === undefined ? {} : { region },
      grant: { credential: { kind: 'keys', cloud: 'aws', accessKeyId, secretAccessKey, issuedAt } },
      account: { account: accessKeyId },
    }),
  }
}

/** Profiles of one principal share one session. */
function session({ profile: name, loginSession, region }: Of<'login-session'>, paths: AwsPaths): Offer {
  const flags = region === undefined ? [] : ['--region', region]
  return {
    name,
    what: `the login session of ${shown(loginSession)}`,
    rotates: { session: loginSession, login: loginAgain(name, flags), again: 'aws login' },
    take: () => taken(loginSessionPath(paths.loginCache, loginSession), loginSession, region),
  }
}

async function taken(
  path: string,
  principal: string,
  region: string | undefined,
): Promise<Taken | undefined> {
  const held = await readLoginSession(path)
  if (!held) return undefined
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt, refreshToken, proofKey, clientId } = held
  const times = { issuedAt: expiresAt - 900_000, expiresAt }
  return {
    provider: 'aws',
    method: 'browser',
    params: { region: held.signInRegion ?? region ?? 'us-east-1' },
    grant: {
      credential: { kind: 'keys', cloud: 'aws', accessKeyId, secretAccessKey, sessionToken, ...times },
      refreshToken,
      proofKey,
    },
    account: { account: held.accountId, principal },
    clientId,
  }
}

/** Definitions are a person's own: daypass writes none into config.yaml. */
function roleYaml({ profile, roleArn, sourceProfile, externalId, sessionName }: Of<'role'>): string {
  const more = [
    ...(externalId === undefined ? [] : [`external_id: ${externalId}`]),
    ...(sessionName === undefined ? [] : [`session_name: ${sessionName}`]),
  ]
  const principal = [`role_arn: ${roleArn}`, ...more].join(', ')
  const via = sourceProfile ?? 'NAME'
  return `write into config.yaml: ${profile}: { kind: aws/assume-role, via: { identity: ${via} }, principal: { ${principal} } }`
}
