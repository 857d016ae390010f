import { DaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { shown } from '../../core/text.ts'
import { loginSessionPath, readLoginSession } from '../../tools/aws-login-cache.ts'
import { type AwsPaths, awsPaths } from '../../tools/aws-paths.ts'
import { type FoundInAws, findInAws } from '../../tools/import-aws.ts'
import { type Answer, jsonLine, type World } from '../answer.ts'

export interface ImportFlags {
  takeOver?: boolean | undefined
  dryRun?: boolean | undefined
}

/** What became of one thing that was found. */
interface Outcome {
  profile: string
  what: string
  outcome: 'kept' | 'would_be_kept' | 'name_taken' | 'listed'
  /** What to do about it. */
  next?: string
}

/** Copies what does not rotate; never changes the other tool's files. */
export async function importFrom(world: World, tool: string, flags: ImportFlags): Promise<Answer> {
  if (tool !== 'aws')
    throw new DaypassError('usage', `there is no import from ${JSON.stringify(tool)}`, {
      hint: 'daypass import aws',
    })
  const { host, json, paintError } = world
  const paths = awsPaths(host.env)
  const outcomes: Outcome[] = []
  const run = { world, paths, flags, copied: new Map<string, string>() }
  for (const found of findInAws(paths)) outcomes.push(await outcomeOf(run, found))
  if (outcomes.length === 0)
    throw new DaypassError('not_found', `there is nothing in ${paths.config} and ${paths.credentials}`, {
      hint: 'daypass login aws',
    })
  for (const { profile, what, outcome, next } of outcomes) {
    const mark = outcome === 'kept' ? paintError('green', '✓') : '-'
    host.terminal.say(
      `${mark} ${shown(profile)}: ${what}; ${WORDS[outcome]}${next === undefined ? '' : `\n    ${next}`}`,
    )
  }
  return json ? { out: jsonLine({ found: outcomes }) } : {}
}

const WORDS: Record<Outcome['outcome'], string> = {
  kept: 'kept under that name',
  would_be_kept: 'would be kept under that name',
  name_taken: 'that name is taken, nothing was changed',
  listed: 'not copied',
}

const NOT_OURS = { sso: 'IAM Identity Center', 'web-identity': 'a web identity' } as const

/** What could be copied, unless something has its name. */
const wouldBe = async ({ daypass }: World, profile: string) =>
  (await daypass.names()).includes(profile) ? 'name_taken' : 'would_be_kept'

interface Run {
  world: World
  paths: AwsPaths
  flags: ImportFlags
  /** Sessions that have a name here now. */
  copied: Map<string, string>
}

async function outcomeOf(run: Run, found: FoundInAws): Promise<Outcome> {
  const { profile } = found
  switch (found.kind) {
    case 'keys':
      return keys(run, found)
    case 'login-session':
      return session(run, found)
    case 'role':
      return { profile, what: `the role ${shown(found.roleArn)}`, outcome: 'listed', next: roleYaml(found) }
    case 'process':
      return found.ours
        ? { profile, what: 'a profile of daypass itself', outcome: 'listed' }
        : {
            profile,
            what: 'a program that hands out keys',
            outcome: 'listed',
            next: `daypass login aws ${profile}`,
          }
    default:
      return { profile, what: NOT_OURS[found.kind], outcome: 'listed', next: found.hint }
  }
}

type Of<K extends FoundInAws['kind']> = Extract<FoundInAws, { kind: K }>

async function keys({ world, paths, flags }: Run, found: Of<'keys'>): Promise<Outcome> {
  const { profile, accessKeyId, secretAccessKey, sessionToken, region } = found
  if (sessionToken)
    return { profile, what: 'temporary keys', outcome: 'listed', next: `daypass login aws ${profile}` }
  const what = `the access key ${new Secret(accessKeyId).masked()}`
  if (flags.dryRun) return { profile, what, outcome: await wouldBe(world, profile) }
  const credential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId,
    secretAccessKey,
    issuedAt: world.daypass.now(),
  } as const
  const kept = await world.daypass.adopt({
    name: profile,
    provider: 'aws',
    method: 'keys',
    params: region === undefined ? {} : { region },
    grant: { credential },
    account: { account: accessKeyId },
  })
  if (!kept) return { profile, what, outcome: 'name_taken' }
  return {
    profile,
    what,
    outcome: 'kept',
    next: `the keys still stand in ${found.file === 'config' ? paths.config : paths.credentials}: remove them there when this works`,
  }
}

/** Profiles of one principal share one session, and that has one name here. */
const sameSession = ({ profile, loginSession }: Of<'login-session'>, by: string): Outcome => ({
  profile,
  what: `the login session of ${shown(loginSession)}`,
  outcome: 'listed',
  next: `it is the one of ${by}: use that`,
})

/** A refresh token that rotates lives in one place alone. */
async function session({ world, paths, flags, copied }: Run, found: Of<'login-session'>): Promise<Outcome> {
  const { profile, loginSession, region } = found
  const what = `the login session of ${shown(loginSession)}`
  const at = region === undefined ? '' : ` --region ${region}`
  const instead = `daypass login aws ${profile}${at}, or copy it with --take-over: then \`aws login\` is needed there again`
  if (!flags.takeOver) return { profile, what, outcome: 'listed', next: instead }
  const by = copied.get(loginSession)
  if (by !== undefined) return sameSession(found, by)
  const held = await readLoginSession(loginSessionPath(paths.loginCache, loginSession))
  if (!held)
    return { profile, what, outcome: 'listed', next: `it is over: daypass login aws ${profile}${at}` }
  const would = await wouldBe(world, profile)
  if (would === 'would_be_kept') copied.set(loginSession, profile)
  if (flags.dryRun || would === 'name_taken') return { profile, what, outcome: would }
  world.host.terminal.warn(
    `the session of profile ${profile} is renewed by daypass now: the AWS tools will have to log in to it again`,
  )
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt, refreshToken, proofKey, clientId } = held
  const issuedAt = expiresAt - 900_000
  const kept = await world.daypass.adopt({
    name: profile,
    provider: 'aws',
    method: 'browser',
    params: { region: held.signInRegion ?? region ?? 'us-east-1' },
    grant: {
      credential: {
        kind: 'keys',
        cloud: 'aws',
        accessKeyId,
        secretAccessKey,
        sessionToken,
        issuedAt,
        expiresAt,
      },
      refreshToken,
      proofKey,
    },
    account: { account: held.accountId, principal: loginSession },
    clientId,
  })
  return { profile, what, outcome: kept ? 'kept' : 'name_taken' }
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
