import { DaypassError, formatCommand } from '../../core/errors.ts'
import { applySetup, type Plan, previewSetup, undoSetup } from '../../tools/setup-plan.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { setupAlibaba } from '../setup/alibaba.ts'
import { setupAws } from '../setup/aws.ts'
import { setupDocker } from '../setup/docker.ts'
import { setupGit } from '../setup/git.ts'
import { setupKubectl } from '../setup/kubectl.ts'
import { resolveLedgerPath, type SetupFlags, type SetupTarget, type SetupTool } from '../setup/tool.ts'
import { getTool } from '../setup/tool-name.ts'

export const createSetupCommand = ({ run }: Runner) =>
  createVerbCommand('setup')
    .description('write the configuration of another tool, so that it asks daypass')
    .argument('<tool>', 'aws, alibaba, git, docker or kubectl')
    .argument('[identity]', 'which')
    .option('--as <name>', 'name of the profile or user to write; default: that of the identity')
    .option('--login-session', 'aws: share the login itself; its refresh token then lies in clear')
    .option('--force', 'in the place of what is there already')
    .option('--dry-run', 'only show the difference')
    .option('--undo', 'take away what was written')
    .action((tool, identity, flags) =>
      run(flags, 'setup', (world) => runSetup(world, tool, resolveSelected(identity, flags), flags)),
    )

const TOOLS: Readonly<Record<string, SetupTool>> = {
  aws: setupAws,
  alibaba: setupAlibaba,
  git: setupGit,
  docker: setupDocker,
  kubectl: setupKubectl,
}

async function runSetup(
  world: CommandContext,
  name: string,
  selected: string | undefined,
  flags: SetupFlags,
): Promise<CommandResult> {
  const tool = getTool(TOOLS, name, 'setup')
  checkFlags(name, tool, flags)
  if (flags.undo) return runSetupUndo(world, name, tool, { place: flags.as, identity: selected })
  const wanted = await resolveSetupTarget(world, tool, selected, flags)
  const what = tool.setup(world, wanted)
  if (flags.dryRun) return printSetupPreview(world, tool, previewSetup(what, resolveLedgerPath(world)))
  // The file is written first: if the process is killed in between, `--undo` knows of the file.
  const written = await applySetup(what, resolveLedgerPath(world))
  await tool.afterSetup?.(world, wanted)
  return printSetup(world, tool, wanted, written)
}

/** Flags that only some tools have. */
const TOOL_FLAGS = { as: '--as', loginSession: '--login-session' } as const

function checkFlags(name: string, tool: SetupTool, flags: SetupFlags): void {
  if (flags.as === '')
    throw new DaypassError('usage', '--as is a name', {
      advice: { verb: 'setup', args: [name, '--as', 'NAME'], identity: '<identity>' },
    })
  for (const [flag, written] of Object.entries(TOOL_FLAGS) as [keyof typeof TOOL_FLAGS, string][]) {
    if (!flags[flag] || tool.flags?.includes(flag)) continue
    throw new DaypassError(
      'usage',
      `${written} says nothing to \`${formatCommand({ verb: 'setup', args: [name] })}\``,
      {
        advice: { verb: 'setup', args: [name], identity: '<identity>' },
      },
    )
  }
}

async function resolveSetupTarget(
  { daypass }: CommandContext,
  tool: SetupTool,
  selected: string | undefined,
  flags: SetupFlags,
): Promise<SetupTarget> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) throw tool.ofTheEnvironment
  const { identity } = resolved
  const definition = await daypass.definition(identity)
  const refusal = tool.refuses(identity, definition)
  if (refusal) throw refusal
  return { identity, definition, header: (await daypass.status(identity)).header, flags }
}

/** Variables that set the location of the vault. */
const VAULT_VARIABLES = [
  'DAYPASS_HOME',
  'DAYPASS_CONFIG',
  'DAYPASS_STORE',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
]

const buildSetupJson = ({ thing }: SetupTool, { place, path, edits, warnings }: Plan) => ({
  [thing.split(' ')[0]!.toLowerCase()]: place,
  file: path,
  changed: edits.length > 0,
  warnings,
})

function printSetupPreview({ host, json }: CommandContext, tool: SetupTool, plan: Plan): CommandResult {
  for (const warning of plan.warnings) host.terminal.warn(warning)
  if (plan.edits.length === 0) host.terminal.say(`Nothing would change in ${plan.path}`)
  if (json) return { out: formatJson(buildSetupJson(tool, plan)) }
  return plan.edits.length === 0 ? {} : { out: plan.diff.trimEnd() }
}

function printSetup(
  { host, json, paintError }: CommandContext,
  tool: SetupTool,
  wanted: SetupTarget,
  plan: Plan,
): CommandResult {
  const { terminal } = host
  for (const warning of plan.warnings) terminal.warn(warning)
  const elsewhere = VAULT_VARIABLES.filter((variable) => host.env[variable])
  if (tool.startsDaypass(wanted.flags) && elsewhere.length > 0)
    terminal.warn(`tools find this identity only with the same ${elsewhere.join(' and ')} as here`)
  const done = plan.edits.length > 0 ? 'is in' : 'was there already, in'
  terminal.say(`${paintError('green', '✓')} ${tool.thing} ${plan.place} ${done} ${plan.path}`)
  for (const line of tool.formatAdvice(plan, wanted)) terminal.say(line)
  return json ? { out: formatJson(buildSetupJson(tool, plan)) } : {}
}

/** Removes what was written, and moves a shared session back into the vault. */
async function runSetupUndo(
  world: CommandContext,
  name: string,
  tool: SetupTool,
  meant: { place: string | undefined; identity: string | undefined },
): Promise<CommandResult> {
  const { host, json } = world
  const undone = await undoSetup(resolveLedgerPath(world), name, meant, tool.undo)
  if (undone.length === 0) host.terminal.say('There is nothing that setup has written.')
  const said = undone.map(({ place, file, outcome }) => UNDONE[outcome](`${tool.thing} ${place}`, file))
  const notes = undone.flatMap((each) => each.notes ?? [])
  for (const line of new Set([...said, ...notes])) host.terminal.say(line)
  for (const identity of new Set(undone.map((each) => each.identity))) await tool.afterUndo?.(world, identity)
  return json ? { out: formatJson({ undone }) } : {}
}

const UNDONE = {
  restored: (what: string, file: string) => `${what} is gone, and ${file} is as it was before`,
  removed: (what: string, file: string) => `${what} is gone; whatever else was changed in ${file} stays`,
  gone: (what: string, file: string) => `${what} was no longer in ${file}`,
} as const
