/** The profile of AWS's tools; or their login cache, which then is the home of the session. */
import { resolve } from 'node:path'
import { DaypassError } from '../../core/errors.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import { awsSetup, profilesSharing, takeBackAws } from '../../tools/aws/apply-setup.ts'
import { loginSessionPath } from '../../tools/aws/login-cache.ts'
import { awsPaths } from '../../tools/aws/paths.ts'
import type { AwsSetup } from '../../tools/aws/setup.ts'
import type { World } from '../output/result.ts'
import { forIdentitiesOf } from './cloud.ts'
import { ledgerOf, ourProgram, type SetupTool, type Wanted } from './tool.ts'

export const setupAws: SetupTool = {
  thing: 'Profile',
  flags: ['as', 'loginSession'],
  ...forIdentitiesOf('aws', 'AWS'),
  setup: ({ host }, wanted) => awsSetup(requestFor(wanted), awsPaths(host.env)),
  startsUs: ({ loginSession }) => !loginSession,
  takeBack: takeBackAws,
  done: (world, wanted) =>
    wanted.flags.loginSession ? share(world, wanted) : bringBack(world, wanted.identity),
  undone: bringBack,
  words: ({ place }, { flags }) => [
    ...(flags.loginSession
      ? [
          'The session lies in the login cache of the AWS tools now, its refresh token in clear (mode 0600).',
          'Who reads it: the AWS CLI from 2.32 on, and SDKs that know login sessions.',
        ]
      : []),
    `Try it: aws --profile ${place} sts get-caller-identity`,
  ],
}

function requestFor({ identity, definition, header, flags }: Wanted): AwsSetup {
  const common = {
    profile: flags.as ?? identity,
    identity,
    force: flags.force,
    region: definition.params.region,
  }
  if (!flags.loginSession)
    return { ...common, form: 'credential-process', command: ourProgram('credential-process', identity) }
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
      hint: (command) => `${command({ verb: 'setup', args: ['aws'], identity })}, without --login-session`,
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
    advice: { verb: 'login', identity: name },
  })
}

async function share({ daypass, host }: World, { identity, definition, header }: Wanted): Promise<void> {
  const { loginCache } = awsPaths(host.env)
  const path =
    header?.home?.path ?? resolve(loginSessionPath(loginCache, sessionName(identity, definition, header)))
  await daypass.moveHome(identity, { kind: 'aws-login-cache', path })
}

/** Into the vault, unless another profile of ours still shares it. */
async function bringBack(world: World, identity: string): Promise<void> {
  const { daypass, host } = world
  const header = await daypass.status(identity).then(
    ({ header: kept }) => kept,
    () => undefined,
  )
  if (!header?.home) return
  const sharing = profilesSharing(awsPaths(host.env), ledgerOf(world), header.home.path)
  if (sharing.length > 0) return host.terminal.say(`Its session stays shared: profile ${sharing.join(', ')}`)
  await daypass.moveHome(identity, undefined)
  if (header.key) host.terminal.say(`The session of ${identity} is in the vault again, and nowhere else.`)
}
