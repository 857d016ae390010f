/** Lists what AWS' files offer. */
import { formatCommand } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { sanitize } from '../../core/text.ts'
import type { ImportCandidate, ImportedGrant, ImportSource } from '../importer.ts'
import { readLoginSession, resolveLoginSessionPath } from './login-cache.ts'
import { type AwsPaths, resolveAwsPaths } from './paths.ts'
import { type AwsFinding, readAwsFindings } from './read-profiles.ts'

export const awsImportSource: ImportSource = {
  title: 'the AWS tools',
  files: (env) => [resolveAwsPaths(env).config, resolveAwsPaths(env).credentials],
  listCandidates(env) {
    const paths = resolveAwsPaths(env)
    return readAwsFindings(paths).map((found) => buildAwsCandidate(found, paths))
  },
  emptyHint: { verb: 'login', args: ['aws'] },
}

type FindingOf<K extends AwsFinding['kind']> = Extract<AwsFinding, { kind: K }>

const formatAwsLogin = (name: string, flags: readonly string[] = []) =>
  formatCommand({ verb: 'login', args: ['aws'], identity: name, flags })

const NOT_SUPPORTED = { sso: 'IAM Identity Center', 'web-identity': 'a web identity' } as const

function buildAwsCandidate(found: AwsFinding, paths: AwsPaths): ImportCandidate {
  const { profile: name } = found
  switch (found.kind) {
    case 'keys':
      return buildAwsKeysCandidate(found, paths)
    case 'login-session':
      return buildAwsSessionCandidate(found, paths)
    case 'role':
      return { name, what: `the role ${sanitize(found.roleArn)}`, next: formatRoleYaml(found) }
    case 'process':
      return found.ours
        ? { name, what: 'a profile of daypass itself' }
        : { name, what: 'a program that hands out keys', next: formatAwsLogin(name) }
    default:
      return { name, what: NOT_SUPPORTED[found.kind], next: found.hint }
  }
}

function buildAwsKeysCandidate(found: FindingOf<'keys'>, paths: AwsPaths): ImportCandidate {
  const { profile: name, accessKeyId, secretAccessKey, sessionToken, region, file } = found
  if (sessionToken) return { name, what: 'temporary keys', next: formatAwsLogin(name) }
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
function buildAwsSessionCandidate(
  { profile: name, loginSession, region }: FindingOf<'login-session'>,
  paths: AwsPaths,
): ImportCandidate {
  const flags = region === undefined ? [] : ['--region', region]
  return {
    name,
    what: `the login session of ${sanitize(loginSession)}`,
    rotates: { session: loginSession, login: formatAwsLogin(name, flags), again: 'aws login' },
    take: () =>
      readAwsSessionGrant(resolveLoginSessionPath(paths.loginCache, loginSession), loginSession, region),
  }
}

async function readAwsSessionGrant(
  path: string,
  principal: string,
  region: string | undefined,
): Promise<ImportedGrant | undefined> {
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

/** Formats a role for config.yaml, which only the person writes. */
function formatRoleYaml({
  profile,
  roleArn,
  sourceProfile,
  externalId,
  sessionName,
}: FindingOf<'role'>): string {
  const more = [
    ...(externalId === undefined ? [] : [`external_id: ${externalId}`]),
    ...(sessionName === undefined ? [] : [`session_name: ${sessionName}`]),
  ]
  const principal = [`role_arn: ${roleArn}`, ...more].join(', ')
  const via = sourceProfile ?? 'NAME'
  return `write into config.yaml: ${profile}: { kind: aws/assume-role, via: { identity: ${via} }, principal: { ${principal} } }`
}
