import { DaypassError, formatCommand } from '../../core/errors.ts'
import { type Plan, preview, setUp, undoSetup } from '../../tools/setup-plan.ts'
import { createVerb, selected } from '../flags.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { setupAlibaba } from '../setup/alibaba.ts'
import { setupAws } from '../setup/aws.ts'
import { setupDocker } from '../setup/docker.ts'
import { setupGit } from '../setup/git.ts'
import { setupKubectl } from '../setup/kubectl.ts'
import { ledgerOf, type SetupFlags, type SetupTool, type Wanted } from '../setup/tool.ts'
import { toolNamed } from '../setup/tool-name.ts'

export const createSetupCommand = ({ run }: Runner) =>
  createVerb('setup')
    .description('write the configuration of another tool, so that it asks daypass')
    .argument('<tool>', 'aws, alibaba, git, docker or kubectl')
    .argument('[identity]', 'which')
    .option('--as <name>', 'name of the profile or user to write; default: that of the identity')
    .option('--login-session', 'aws: share the login itself; its refresh token then lies in clear')
    .option('--force', 'in the place of what is there already')
    .option('--dry-run', 'only show the difference')
    .option('--undo', 'take away what was written')
    .action((tool, identity, flags) =>
      run(flags, 'setup', (world) => setup(world, tool, selected(identity, flags), flags)),
    )

const TOOLS: Readonly<Record<string, SetupTool>> = {
  aws: setupAws,
  alibaba: setupAlibaba,
  git: setupGit,
  docker: setupDocker,
  kubectl: setupKubectl,
}

async function setup(
  world: World,
  name: string,
  selected: string | undefined,
  flags: SetupFlags,
): Promise<Answer> {
  const tool = toolNamed(TOOLS, name, 'setup')
  checkFlags(name, tool, flags)
  if (flags.undo) return undo(world, name, tool, { place: flags.as, identity: selected })
  const wanted = await wantedBy(world, tool, selected, flags)
  const what = tool.setup(world, wanted)
  if (flags.dryRun) return wouldSay(world, tool, preview(what, ledgerOf(world)))
  // The file first: killed in between, there is something that `--undo` knows of.
  const written = await setUp(what, ledgerOf(world))
  await tool.done?.(world, wanted)
  return said(world, tool, wanted, written)
}

/** Flags that only some tools know. */
const OWN = { as: '--as', loginSession: '--login-session' } as const

function checkFlags(name: string, tool: SetupTool, flags: SetupFlags): void {
  if (flags.as === '')
    throw new DaypassError('usage', '--as is a name', {
      advice: { verb: 'setup', args: [name, '--as', 'NAME'], identity: '<identity>' },
    })
  for (const [flag, written] of Object.entries(OWN) as [keyof typeof OWN, string][]) {
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

async function wantedBy(
  { daypass }: World,
  tool: SetupTool,
  selected: string | undefined,
  flags: SetupFlags,
): Promise<Wanted> {
  const resolved = await daypass.resolve(selected)
  if ('environment' in resolved) throw tool.ofTheEnvironment
  const { identity } = resolved
  const definition = await daypass.definition(identity)
  const refusal = tool.refuses(identity, definition)
  if (refusal) throw refusal
  return { identity, definition, header: (await daypass.status(identity)).header, flags }
}

/** What says where the vault is. */
const OF_THE_VAULT = ['DAYPASS_HOME', 'DAYPASS_CONFIG', 'DAYPASS_STORE', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']

const answerOf = ({ thing }: SetupTool, { place, path, edits, warnings }: Plan) => ({
  [thing.split(' ')[0]!.toLowerCase()]: place,
  file: path,
  changed: edits.length > 0,
  warnings,
})

function wouldSay({ host, json }: World, tool: SetupTool, plan: Plan): Answer {
  for (const warning of plan.warnings) host.terminal.warn(warning)
  if (plan.edits.length === 0) host.terminal.say(`Nothing would change in ${plan.path}`)
  if (json) return { out: jsonLine(answerOf(tool, plan)) }
  return plan.edits.length === 0 ? {} : { out: plan.diff.trimEnd() }
}

function said({ host, json, paintError }: World, tool: SetupTool, wanted: Wanted, plan: Plan): Answer {
  const { terminal } = host
  for (const warning of plan.warnings) terminal.warn(warning)
  const elsewhere = OF_THE_VAULT.filter((variable) => host.env[variable])
  if (tool.startsUs(wanted.flags) && elsewhere.length > 0)
    terminal.warn(`tools find this identity only with the same ${elsewhere.join(' and ')} as here`)
  const done = plan.edits.length > 0 ? 'is in' : 'was there already, in'
  terminal.say(`${paintError('green', '✓')} ${tool.thing} ${plan.place} ${done} ${plan.path}`)
  for (const line of tool.words(plan, wanted)) terminal.say(line)
  return json ? { out: jsonLine(answerOf(tool, plan)) } : {}
}

/** Takes away what was written, and brings a session that was shared back into the vault. */
async function undo(
  world: World,
  name: string,
  tool: SetupTool,
  meant: { place: string | undefined; identity: string | undefined },
): Promise<Answer> {
  const { host, json } = world
  const undone = await undoSetup(ledgerOf(world), name, meant, tool.takeBack)
  if (undone.length === 0) host.terminal.say('There is nothing that setup has written.')
  const said = undone.map(({ place, file, outcome }) => UNDONE[outcome](`${tool.thing} ${place}`, file))
  const notes = undone.flatMap((each) => each.notes ?? [])
  for (const line of new Set([...said, ...notes])) host.terminal.say(line)
  for (const identity of new Set(undone.map((each) => each.identity))) await tool.undone?.(world, identity)
  return json ? { out: jsonLine({ undone }) } : {}
}

const UNDONE = {
  restored: (what: string, file: string) => `${what} is gone, and ${file} is as it was before`,
  removed: (what: string, file: string) => `${what} is gone; whatever else was changed in ${file} stays`,
  gone: (what: string, file: string) => `${what} was no longer in ${file}`,
} as const
