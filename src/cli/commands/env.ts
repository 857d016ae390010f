import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { Option } from '@commander-js/extra-typings'
import { DaypassError } from '../../core/errors.ts'
import {
  canUnset,
  detectEnvFormat,
  ENV_FORMATS,
  type EnvFormat,
  formatEnv,
  formatGithubEnv,
  formatUnset,
} from '../../formats/env.ts'
import { type EnvChanges, listVariableNames } from '../../formats/variables.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { obtainEnvChanges } from '../hand-out.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { TOKEN } from '../token-flags.ts'

export const createEnvCommand = ({ run }: Runner) =>
  createVerbCommand('env')
    .description('print the credential as environment variables for your shell')
    .argument('[identity]', 'which')
    .addOption(new Option('--format <format>', 'for whom; default: your shell').choices(ENV_FORMATS))
    .option('--unset', 'take the variables away again')
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'env', (world) => runEnv(world, resolveSelected(identity, flags), flags)),
    )

const HELP = `
How to use it:
  bash, zsh, sh   eval "$(daypass env)"
  fish            daypass env | source
  powershell      daypass env | Out-String | Invoke-Expression
  cmd             for /f "delims=" %i in ('daypass env --format cmd') do @%i
  nu              daypass env --format json | from json | load-env
  github          daypass env --format github    in a step: for the steps behind it`

interface EnvOptions {
  format?: EnvFormat | undefined
  unset?: boolean | undefined
  minTtl?: string | undefined
  tenant?: string | undefined
}

async function runEnv(
  world: CommandContext,
  selected: string | undefined,
  { format: asked, unset, minTtl, tenant }: EnvOptions,
): Promise<CommandResult> {
  const format = chooseEnvFormat(world, asked)
  if (unset)
    return {
      out: formatUnset(listVariableNames((await world.daypass.definition(selected)).provider), format),
      isRaw: true,
    }
  const file = format === 'github' ? getGithubFile(world) : undefined
  const changes = await obtainEnvChanges(world, selected, minTtl, tenant)
  if (!canUnset(format)) warnAboutOverrides(world, changes, format)
  return file === undefined
    ? { out: formatEnv(changes, format as never), isRaw: true }
    : buildGithubResult(changes, file)
}

function chooseEnvFormat({ host, json }: CommandContext, asked: EnvFormat | undefined): EnvFormat {
  if (!json) return asked ?? detectEnvFormat(host.env.SHELL, host.detectRuntimeEnvironment().platform)
  if (asked === undefined || asked === 'json') return 'json'
  throw new DaypassError('usage', `--json and --format ${asked} are two formats`, {
    hint: 'give one of them',
  })
}

/** Warns of variables that override the printed ones, where the format cannot clear them. */
function warnAboutOverrides({ host }: CommandContext, { clear }: EnvChanges, format: EnvFormat): void {
  const there = clear.filter((name) => host.env[name])
  if (there.length > 0)
    host.terminal.warn(`${there.join(', ')}: set here, where it wins, and ${format} cannot take it away`)
}

function getGithubFile({ host }: CommandContext): string {
  if (host.env.GITHUB_ENV) return host.env.GITHUB_ENV
  throw new DaypassError('usage', 'GITHUB_ENV is not set: this is no step of GitHub Actions', {
    hint: 'use another --format',
  })
}

/** Prints the masks before it appends the variables, so that GitHub's log never shows an unmasked secret. */
function buildGithubResult(changes: EnvChanges, path: string): CommandResult {
  const { file, masks } = formatGithubEnv(changes, `daypass_${randomUUID()}`)
  return { ...(masks && { out: masks, isRaw: true }), after: () => appendToFile(path, file) }
}

function appendToFile(path: string, text: string): void {
  try {
    appendFileSync(path, text)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DaypassError('not_found', `the file of GITHUB_ENV cannot be written (${code})`, { cause })
  }
}
