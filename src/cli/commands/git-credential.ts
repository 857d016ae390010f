import type { Ask } from '../../client/for-host.ts'
import { placeOf } from '../../client/hosts.ts'
import { isDaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { type Attributes, gitAnswer, readAttributes } from '../../formats/git-credential.ts'
import { readInput } from '../../platform/read-input.ts'
import { record } from '../audit-line.ts'
import { createVerb, selected } from '../flags.ts'
import { type Answer, inOneLine, type World } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createGitCredentialCommand = ({ run }: Runner) =>
  createVerb('git-credential')
    .description('answer git, which asks for a user and a password')
    .argument('<operation>', 'get, store or erase')
    .addHelpText('after', HELP)
    .action((operation, flags) => {
      const who = selected(undefined, flags)
      return run({ ...flags, input: false }, 'git-credential', (world) =>
        gitCredential(world, operation, who),
      )
    })

const HELP = `
git calls it, and talks to it over standard input and output: see \`daypass setup git\`. It answers for the
hosts of your identities and no other; also as git-credential-daypass.`

/** Started by git, which has the terminal. Silence and exit 0: git asks its next helper, or the person. */
async function gitCredential(world: World, operation: string, selected: string | undefined): Promise<Answer> {
  // What git may ask one day is not for this version to refuse.
  if (!['get', 'store', 'erase'].includes(operation)) return {}
  const asked = readAttributes(await readInput(process.stdin))
  // It is kept already, and what somebody else has told git is not ours.
  const ask = operation === 'store' ? undefined : askOf(asked, selected)
  if (!ask) return {}
  try {
    return operation === 'get' ? await get(world, ask, asked) : await erase(world, ask, asked)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    world.host.terminal.warn(inOneLine(error))
    return {}
  }
}

function askOf(asked: Attributes, selected: string | undefined): Ask | undefined {
  const one = (name: string) => asked.get(name)?.[0] ?? ''
  const place = placeOf(one('protocol'), one('host'))
  return place && { use: 'git', place, selected, user: one('username') || undefined }
}

async function get(world: World, ask: Ask, asked: Attributes): Promise<Answer> {
  const found = await world.daypass.handOutFor(ask)
  if (found?.credential.kind !== 'bearer') return {}
  const { credential, header, user, isFixed } = found
  const out = gitAnswer(credential, { user, isFixed, asked, clockOffset: header?.clockOffset })
  await record(world, found.identity, ask.place.host)
  return { out }
}

/** After a 401. The next time git asks, it gets another one. */
async function erase({ daypass }: World, ask: Ask, asked: Attributes): Promise<Answer> {
  const sent = asked.get('credential')?.[0] ?? asked.get('password')?.[0]
  if (sent) await daypass.refusedFor(ask, new Secret(sent))
  return {}
}
