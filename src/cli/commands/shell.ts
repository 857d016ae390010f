import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Handed } from '../../client/credential.ts'
import { formatDuration, isoTime } from '../../core/duration.ts'
import { DaypassError, formatCommand } from '../../core/errors.ts'
import { environmentWith } from '../../formats/env.ts'
import { type Marked, marked, SHELL_IDENTITY } from '../../formats/shell-prompt.ts'
import { type Changes, namesFor } from '../../formats/variables.ts'
import { runProgram } from '../../platform/run-program.ts'
import { createVerb, selected } from '../flags.ts'
import { changesOf, checkTenant, handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { hasEndpoint } from '../serve/exec-endpoint.ts'
import { TOKEN } from '../token-flags.ts'

export const createShellCommand = ({ run }: Runner) =>
  createVerb('shell')
    .description('a shell of your own with the credential in its environment')
    .argument('[identity]', 'which')
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'shell', (world) => shell(world, selected(identity, flags), flags)),
    )

const HELP = `
It is the shell of $SHELL (%ComSpec% on Windows), with your own configuration. In bash, zsh and fish its
prompt begins with (daypass:NAME); DAYPASS_SHELL_IDENTITY is the name. Within another one it replaces the
credential. Its exit code is that of the shell. The credential is not renewed there: when it ends, leave and
come back.`

interface ShellOptions {
  minTtl?: string | undefined
  tenant?: string | undefined
}

/** The person's own shell with the credential in its environment. Its exit code is ours. */
async function shell(
  world: World,
  selected: string | undefined,
  { minTtl, tenant }: ShellOptions,
): Promise<Answer> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw noTerminal(selected)
  const { env, surroundings } = world.host
  const { platform } = surroundings()
  const program = (platform === 'win32' ? env.ComSpec || 'cmd.exe' : env.SHELL) || '/bin/sh'
  await checkTenant(world, selected, tenant)
  const handed = await handOut({ ...world, program }, selected, minTtl)
  const changes = await instead(world, await changesOf(world, selected, tenant, handed))
  world.signal.throwIfAborted()
  const { provider } = await world.daypass.definition(selected)
  sayHello(world, handed, hasEndpoint(provider, handed))
  return inFolder(world, program, (mark) =>
    runProgram([program, ...mark.args], {
      ...environmentWith(changes, env, platform),
      ...mark.env,
      ...namesIn(handed),
    }),
  )
}

const noTerminal = (selected: string | undefined) =>
  new DaypassError('usage', 'a shell needs a terminal, and this is none', {
    advice: { verb: 'exec', identity: selected, flags: ['--', 'CMD'] },
  })

/** What daypass itself is asked for there is of the same identity, and renewed. */
const namesIn = ({ identity, variable }: Handed): Record<string, string> => ({
  [SHELL_IDENTITY]: nameIn(identity),
  ...(variable === undefined && { DAYPASS_IDENTITY: identity }),
})

const nameIn = (identity: string) => identity.replace(/[()]/g, '')

/** Within the shell of another identity, that one's credential goes: the mark says whose it is. */
async function instead({ daypass, host }: World, changes: Changes): Promise<Changes> {
  const outer = host.env[SHELL_IDENTITY]
  if (!outer) return changes
  const provider = await daypass.definition(outer).then(
    (definition) => definition.provider,
    () => undefined,
  )
  return provider ? { ...changes, clear: [...changes.clear, ...namesFor(provider)] } : changes
}

function sayHello({ host }: World, { identity, credential, header }: Handed, canBeServed: boolean): void {
  host.terminal.say(`A shell as ${nameIn(identity)}; leave it with exit.`)
  if (credential.expiresAt === undefined) return
  const end = credential.expiresAt - (header?.clockOffset ?? 0)
  const left = formatDuration(end - host.now())
  const inEndpoint = formatCommand({
    verb: 'exec',
    identity: header && identity,
    flags: ['--endpoint', '--', 'CMD'],
  })
  const longer = canBeServed ? `What runs longer: ${inEndpoint}` : 'Leave and come back for the next one.'
  host.terminal.say(`Its credential ends in ${left} (${isoTime(end)}). ${longer}`)
}

/** The files that mark the prompt lie in a folder of their own while the shell runs. There is no secret in them. */
async function inFolder(
  { host }: World,
  program: string,
  work: (mark: Pick<Marked, 'args' | 'env'>) => Promise<number>,
): Promise<Answer> {
  const made = prepared(program, host.env)
  if (!made) host.terminal.say(`Its prompt stays as it is; ${SHELL_IDENTITY} says whose shell it is.`)
  try {
    return { code: await work(made?.mark ?? { args: [], env: {} }) }
  } finally {
    if (made) rmSync(made.folder, { recursive: true, force: true })
  }
}

/** `undefined`: a shell that we do not know, or a disk that takes nothing. */
function prepared(program: string, env: World['host']['env']): { folder: string; mark: Marked } | undefined {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'daypass-shell-'))
    const mark = marked(program, folder, env)
    for (const [name, text] of Object.entries(mark?.files ?? {})) writeFileSync(join(folder, name), text)
    if (mark) return { folder, mark }
    rmSync(folder, { recursive: true })
  } catch {
    // A shell without a mark is better than none.
  }
  return undefined
}
