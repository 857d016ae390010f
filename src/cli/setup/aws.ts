/** Sets up the profile of AWS' tools, or their login cache, which then holds the session. */
import { resolve } from 'node:path'
import { DaypassError } from '../../core/errors.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import { createAwsSetup, listSharingProfiles, undoAwsSetup } from '../../tools/aws/apply-setup.ts'
import { resolveLoginSessionPath } from '../../tools/aws/login-cache.ts'
import { resolveAwsPaths } from '../../tools/aws/paths.ts'
import type { AwsSetup } from '../../tools/aws/setup.ts'
import type { CommandContext } from '../output/result.ts'
import { restrictToCloud } from './cloud.ts'
import { buildOwnCommand, resolveLedgerPath, type SetupTarget, type SetupTool } from './tool.ts'

export const setupAws: SetupTool = {
  thing: 'Profile',
  flags: ['as', 'loginSession'],
  ...restrictToCloud('aws', 'AWS'),
  setup: ({ host }, wanted) => createAwsSetup(buildAwsRequest(wanted), resolveAwsPaths(host.env)),
  startsDaypass: ({ loginSession }) => !loginSession,
  undo: undoAwsSetup,
  afterSetup: (world, wanted) =>
    wanted.flags.loginSession ? shareSession(world, wanted) : unshareSession(world, wanted.identity),
  afterUndo: unshareSession,
  formatAdvice: ({ place }, { flags }) => [
    ...(flags.loginSession
      ? [
          'The session lies in the login cache of the AWS tools now, its refresh token in clear (mode 0600).',
          'Who reads it: the AWS CLI from 2.32 on, and SDKs that know login sessions.',
        ]
      : []),
    `Try it: aws --profile ${place} sts get-caller-identity`,
  ],
}

function buildAwsRequest({ identity, definition, header, flags }: SetupTarget): AwsSetup {
  const common = {
    profile: flags.as ?? identity,
    identity,
    force: flags.force,
    region: definition.params.region,
  }
  if (!flags.loginSession)
    return { ...common, form: 'credential-process', command: buildOwnCommand('credential-process', identity) }
  return { ...common, form: 'login-session', loginSession: getSessionName(identity, definition, header) }
}

/** Returns the ARN for which the tools name the session. Only a browser sign-in can be shared in this way. */
function getSessionName(identity: string, definition: Definition, header: Header | undefined): string {
  const principal = header?.account?.principal
  const why = explainNotShared(definition, header)
  if (principal && why === undefined) return principal
  throw new DaypassError(
    'usage',
    `${identity} has no session to share: ${why ?? 'nobody knows whose it is'}`,
    {
      hint: (command) => `${command({ verb: 'setup', args: ['aws'], identity })}, without --login-session`,
    },
  )
}

function explainNotShared(
  { name, parent, keys }: Definition,
  header: Header | undefined,
): string | undefined {
  if (parent) return `it is made from ${parent.definition.name}`
  if (keys || (header?.key && header.method === 'keys')) return 'it has keys, not a login'
  if (header?.key && header.loginRequired === undefined)
    return header.renewable ? undefined : 'nobody renews it'
  const why = header?.loginRequired ?? 'nobody has logged in to it'
  throw new DaypassError('login_required', `${name} has no session to share: ${why}`, {
    advice: { verb: 'login', identity: name },
  })
}

async function shareSession(
  { daypass, host }: CommandContext,
  { identity, definition, header }: SetupTarget,
): Promise<void> {
  const { loginCache } = resolveAwsPaths(host.env)
  const path =
    header?.home?.path ??
    resolve(resolveLoginSessionPath(loginCache, getSessionName(identity, definition, header)))
  await daypass.moveGrant(identity, { kind: 'aws-login-cache', path })
}

/** Moves the session into the vault, unless another profile of ours still shares it. */
async function unshareSession(world: CommandContext, identity: string): Promise<void> {
  const { daypass, host } = world
  const header = await daypass.status(identity).then(
    ({ header: kept }) => kept,
    () => undefined,
  )
  if (!header?.home) return
  const sharing = listSharingProfiles(resolveAwsPaths(host.env), resolveLedgerPath(world), header.home.path)
  if (sharing.length > 0) return host.terminal.say(`Its session stays shared: profile ${sharing.join(', ')}`)
  await daypass.moveGrant(identity, undefined)
  if (header.key) host.terminal.say(`The session of ${identity} is in the vault again, and nowhere else.`)
}
