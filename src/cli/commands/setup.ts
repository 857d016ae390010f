import { join, resolve } from 'node:path'
import { DaypassError } from '../../core/errors.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../sources/definition.ts'
import { previewAws, profilesSharing, setUpAws, undoAws } from '../../tools/apply-aws.ts'
import { loginSessionPath } from '../../tools/aws-login-cache.ts'
import { awsPaths } from '../../tools/aws-paths.ts'
import { type AwsPlan, type AwsSetup, diffOfPlan } from '../../tools/setup-aws.ts'
import { type Answer, jsonLine, type World } from '../answer.ts'

export interface SetupFlags {
  /** Name of the profile that is written. */
  as?: string | undefined
  loginSession?: boolean | undefined
  force?: boolean | undefined
  dryRun?: boolean | undefined
  undo?: boolean | undefined
}

export async function setup(
  world: World,
  tool: string,
  selected: string | undefined,
  flags: SetupFlags,
): Promise<Answer> {
  if (tool !== 'aws')
    throw new DaypassError('usage', `there is no setup for ${JSON.stringify(tool)}`, {
      hint: 'daypass setup aws',
    })
  if (flags.undo) return undo(world, selected, flags)
  const { identity, definition, header } = await identityFor(world, selected)
  const places = placesOf(world)
  const request = requestFor({ identity, definition, header, flags })
  const plan = previewAws(request, places)
  if (flags.dryRun) return wouldSay(world, plan)
  // The profile first: killed in between, there is something that `--undo` knows of.
  const written = await setUpAws(request, places)
  if (request.form === 'login-session') await share(world, identity, header!, request.loginSession)
  else await bringBack(world, identity)
  return said(world, request, written)
}

interface Wanted {
  identity: string
  definition: Definition
  header: Header | undefined
}

async function identityFor({ daypass }: World, selected: string | undefined): Promise<Wanted> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) throw ofTheEnvironment()
  const { identity } = resolved
  const definition = await daypass.definition(identity)
  if (definition.provider.keys?.cloud === 'aws')
    return { identity, definition, header: (await daypass.status(identity)).header }
  throw new DaypassError('usage', `${identity} is an identity of ${definition.provider.title}, not of AWS`, {
    hint: 'daypass login aws, then: daypass setup aws aws',
  })
}

const ofTheEnvironment = () =>
  new DaypassError('usage', 'the keys of the environment are read by the AWS tools themselves', {
    hint: 'daypass setup aws <identity>',
  })

function requestFor({ identity, definition, header, flags }: Wanted & { flags: SetupFlags }): AwsSetup {
  const common = {
    profile: flags.as ?? identity,
    identity,
    force: flags.force,
    region: definition.params.region,
  }
  if (!flags.loginSession)
    return {
      ...common,
      form: 'credential-process',
      command: [...ourselves(), 'credential-process', identity],
    }
  return { ...common, form: 'login-session', loginSession: sessionName(identity, definition, header) }
}

/** What the tools name the session for. Only what a browser has signed in can be shared in this way. */
function sessionName(identity: string, definition: Definition, header: Header | undefined): string {
  const principal = header?.account?.principal
  const why = whyNotShared(definition, header)
  if (principal && why === undefined) return principal
  throw new DaypassError(
    'usage',
    `${identity} has no session to share: ${why ?? 'nobody knows whose it is'}`,
    {
      hint: `daypass setup aws ${identity}, without --login-session`,
    },
  )
}

function whyNotShared({ name, parent, keys }: Definition, header: Header | undefined): string | undefined {
  if (parent) return `it is made from ${parent.definition.name}`
  if (keys || (header?.key && header.method === 'keys')) return 'it has keys, not a login'
  if (header?.key && header.loginRequired === undefined)
    return header.renewable ? undefined : 'nobody renews it'
  const why = header?.loginRequired ?? 'nobody has logged in to it'
  throw new DaypassError('login_required', `${name} has no session to share: ${why}`, {
    hint: `daypass login ${name}`,
  })
}

/** Absolute, because whoever starts it may have another PATH than we. */
const ourselves = () => [process.execPath, process.argv[1]!]

const placesOf = ({ host, paths }: World) => ({
  paths: awsPaths(host.env),
  ledger: join(paths.stateDir, 'setup.json'),
})

async function share(world: World, identity: string, header: Header, loginSession: string): Promise<void> {
  const file = loginSessionPath(placesOf(world).paths.loginCache, loginSession)
  const path = header.home?.path ?? resolve(file)
  await world.daypass.moveHome(identity, { kind: 'aws-login-cache', path })
}

/** Into the vault, unless another profile of ours still shares it. */
async function bringBack(world: World, identity: string): Promise<void> {
  const { daypass, host } = world
  const header = await daypass.status(identity).then(
    ({ header: kept }) => kept,
    () => undefined,
  )
  if (!header?.home) return
  const sharing = profilesSharing(placesOf(world), header.home.path)
  if (sharing.length > 0) return host.terminal.say(`Its session stays shared: profile ${sharing.join(', ')}`)
  await daypass.moveHome(identity, undefined)
  if (header.key) host.terminal.say(`The session of ${identity} is in the vault again, and nowhere else.`)
}

/** What says where the vault is. */
const OF_THE_VAULT = ['DAYPASS_HOME', 'DAYPASS_CONFIG', 'DAYPASS_STORE', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']

const answerOf = ({ profile, path, edits, warnings }: AwsPlan) => ({
  profile,
  file: path,
  changed: edits.length > 0,
  warnings,
})

function wouldSay({ host, json }: World, plan: AwsPlan): Answer {
  for (const warning of plan.warnings) host.terminal.warn(warning)
  if (plan.edits.length === 0) host.terminal.say(`Nothing would change in ${plan.path}`)
  if (json) return { out: jsonLine(answerOf(plan)) }
  return plan.edits.length === 0 ? {} : { out: diffOfPlan(plan).trimEnd() }
}

function said({ host, json, paintError }: World, request: AwsSetup, plan: AwsPlan): Answer {
  const { terminal } = host
  for (const warning of plan.warnings) terminal.warn(warning)
  const elsewhere = OF_THE_VAULT.filter((variable) => host.env[variable])
  if (request.form === 'credential-process' && elsewhere.length > 0)
    terminal.warn(`tools find this identity only where ${elsewhere.join(', ')} is set as it is here`)
  const done = plan.edits.length > 0 ? 'is in' : 'was there already, in'
  terminal.say(`${paintError('green', '✓')} Profile ${plan.profile} ${done} ${plan.path}`)
  if (request.form === 'login-session')
    terminal.say(
      'The session lies in the login cache of the AWS tools now, its refresh token in clear (mode 0600).\nWho reads it: the AWS CLI from 2.32 on, and SDKs that know login sessions.',
    )
  terminal.say(`Try it: aws --profile ${plan.profile} sts get-caller-identity`)
  return json ? { out: jsonLine(answerOf(plan)) } : {}
}

/** Takes away what was written, and brings a session that was shared back into the vault. */
async function undo(world: World, selected: string | undefined, flags: SetupFlags): Promise<Answer> {
  const { host, json } = world
  const { ledger } = placesOf(world)
  const undone = await undoAws(ledger, { profile: flags.as, identity: selected })
  if (undone.length === 0) host.terminal.say('There is nothing that setup has written.')
  const said = undone.map(({ place, file, outcome }) => UNDONE[outcome](place, file))
  for (const line of new Set(said)) host.terminal.say(line)
  for (const name of new Set(undone.map(({ identity }) => identity))) await bringBack(world, name)
  return json ? { out: jsonLine({ undone }) } : {}
}

const UNDONE = {
  restored: (profile: string, file: string) => `Profile ${profile} is gone, and ${file} is as it was before`,
  removed: (profile: string, file: string) =>
    `Profile ${profile} is gone; whatever else was changed in ${file} stays`,
  gone: (profile: string, file: string) => `Profile ${profile} was no longer in ${file}`,
} as const
