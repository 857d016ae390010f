import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CredentialResult } from '../../client/credential.ts'
import { formatDuration, formatTime } from '../../core/duration.ts'
import { DaypassError, formatCommand } from '../../core/errors.ts'
import { applyEnvChanges } from '../../formats/env.ts'
import { type PromptSetup, preparePrompt, SHELL_IDENTITY } from '../../formats/shell-prompt.ts'
import { type EnvChanges, listVariableNames } from '../../formats/variables.ts'
import { runProgram } from '../../platform/run-program.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { checkTenant, obtainCredential, resolveEnvChanges } from '../hand-out.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { hasEndpoint } from '../serve/exec-endpoint.ts'
import { TOKEN } from '../token-flags.ts'

export const createShellCommand = ({ run }: Runner) =>
  createVerbCommand('shell')
    .description('a shell of your own with the credential in its environment')
    .argument('[identity]', 'which')
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'shell', (world) => runShell(world, resolveSelected(identity, flags), flags)),
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

/** Starts the person's own shell with the credential in its environment. Its exit code becomes ours. */
async function runShell(
  world: CommandContext,
  selected: string | undefined,
  { minTtl, tenant }: ShellOptions,
): Promise<CommandResult> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw createNoTerminalError(selected)
  const { env, detectRuntimeEnvironment } = world.host
  const { platform } = detectRuntimeEnvironment()
  const program = (platform === 'win32' ? env.ComSpec || 'cmd.exe' : env.SHELL) || '/bin/sh'
  await checkTenant(world, selected, tenant)
  const handed = await obtainCredential({ ...world, program }, selected, minTtl)
  const changes = await replaceOuterCredential(
    world,
    await resolveEnvChanges(world, selected, tenant, handed),
  )
  world.signal.throwIfAborted()
  const { provider } = await world.daypass.definition(selected)
  printGreeting(world, handed, hasEndpoint(provider, handed))
  return runWithPrompt(world, program, (mark) =>
    runProgram([program, ...mark.args], {
      ...applyEnvChanges(changes, env, platform),
      ...mark.env,
      ...buildShellVariables(handed),
    }),
  )
}

const createNoTerminalError = (selected: string | undefined) =>
  new DaypassError('usage', 'a shell needs a terminal, and this is none', {
    advice: { verb: 'exec', identity: selected, flags: ['--', 'CMD'] },
  })

/** Commands of daypass inside the shell use the same identity and can renew it. */
const buildShellVariables = ({ identity, variable }: CredentialResult): Record<string, string> => ({
  [SHELL_IDENTITY]: formatPromptName(identity),
  ...(variable === undefined && { DAYPASS_IDENTITY: identity }),
})

const formatPromptName = (identity: string) => identity.replace(/[()]/g, '')

/** Removes the credential of an outer shell, which the mark names. */
async function replaceOuterCredential(
  { daypass, host }: CommandContext,
  changes: EnvChanges,
): Promise<EnvChanges> {
  const outer = host.env[SHELL_IDENTITY]
  if (!outer) return changes
  const provider = await daypass.definition(outer).then(
    (definition) => definition.provider,
    () => undefined,
  )
  return provider ? { ...changes, clear: [...changes.clear, ...listVariableNames(provider)] } : changes
}

function printGreeting(
  { host }: CommandContext,
  { identity, credential, header }: CredentialResult,
  canBeServed: boolean,
): void {
  host.terminal.say(`A shell as ${formatPromptName(identity)}; leave it with exit.`)
  if (credential.expiresAt === undefined) return
  const end = credential.expiresAt - (header?.clockOffset ?? 0)
  const left = formatDuration(end - host.now())
  const inEndpoint = formatCommand({
    verb: 'exec',
    identity: header && identity,
    flags: ['--endpoint', '--', 'CMD'],
  })
  const longer = canBeServed ? `What runs longer: ${inEndpoint}` : 'Leave and come back for the next one.'
  host.terminal.say(`Its credential ends in ${left} (${formatTime(end)}). ${longer}`)
}

/** Runs the shell with a temporary folder for the files that mark the prompt. They hold no secret. */
async function runWithPrompt(
  { host }: CommandContext,
  program: string,
  work: (mark: Pick<PromptSetup, 'args' | 'env'>) => Promise<number>,
): Promise<CommandResult> {
  const made = preparePromptFolder(program, host.env)
  if (!made) host.terminal.say(`Its prompt stays as it is; ${SHELL_IDENTITY} says whose shell it is.`)
  try {
    return { code: await work(made?.mark ?? { args: [], env: {} }) }
  } finally {
    if (made) rmSync(made.folder, { recursive: true, force: true })
  }
}

/** Returns undefined for an unknown shell, or where the disk is not writable. */
function preparePromptFolder(
  program: string,
  env: CommandContext['host']['env'],
): { folder: string; mark: PromptSetup } | undefined {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'daypass-shell-'))
    const mark = preparePrompt(program, folder, env)
    for (const [name, text] of Object.entries(mark?.files ?? {})) writeFileSync(join(folder, name), text)
    if (mark) return { folder, mark }
    rmSync(folder, { recursive: true })
  } catch {
    // A shell without a mark is better than no shell.
  }
  return undefined
}
