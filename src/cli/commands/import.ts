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
  for (const found of findInAws(paths)) outcomes.push(await outcomeOf(world, paths, found, flags))
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

async function outcomeOf(
  world: World,
  paths: AwsPaths,
  found: FoundInAws,
  flags: ImportFlags,
): Promise<Outcome> {
  const { profile } = found
  switch (found.kind) {
    case 'keys':
      return keys(world, found, flags)
    case 'login-session':
      return session(world, paths, found, flags)
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
      return { profile, what: found.kind, outcome: 'listed', next: found.hint }
  }
}

type Of<K extends FoundInAws['kind']> = Extract<FoundInAws, { kind: K }>

async function keys(world: World, found: Of<'keys'>, flags: ImportFlags): Promise<Outcome> {
  const { profile, accessKeyId, secretAccessKey, sessionToken, region } = found
  if (sessionToken)
    return { profile, what: 'temporary keys', outcome: 'listed', next: `daypass login aws ${profile}` }
  const what = `the access key ${new Secret(accessKeyId).masked()}`
  if (flags.dryRun) return { profile, what, outcome: 'would_be_kept' }
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
    next: `the keys are in ${found.file}, too: remove them there when this works`,
  }
}

/** A refresh token that rotates lives in one place alone. */
async function session(
  world: World,
  paths: AwsPaths,
  { profile, loginSession, region }: Of<'login-session'>,
  flags: ImportFlags,
): Promise<Outcome> {
  const what = `the login session of ${shown(loginSession)}`
  const at = region === undefined ? '' : ` --region ${region}`
  const instead = `daypass login aws ${profile}${at}, or copy it with --take-over: then \`aws login\` is needed there again`
  if (!flags.takeOver) return { profile, what, outcome: 'listed', next: instead }
  const held = await readLoginSession(loginSessionPath(paths.loginCache, loginSession))
  if (!held)
    return { profile, what, outcome: 'listed', next: `it is over: daypass login aws ${profile}${at}` }
  if (flags.dryRun) return { profile, what, outcome: 'would_be_kept' }
  world.host.terminal.warn(
    `the AWS tools will have to log in again to profile ${profile}: daypass renews its session now`,
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
