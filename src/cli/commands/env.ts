import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { Option } from '@commander-js/extra-typings'
import { DaypassError } from '../../core/errors.ts'
import {
  clears,
  defaultFormat,
  ENV_FORMATS,
  type EnvFormat,
  envText,
  githubText,
  unsetText,
} from '../../formats/env.ts'
import { type Changes, namesFor } from '../../formats/variables.ts'
import { createVerb, selected } from '../flags.ts'
import { handOutChanges } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { TOKEN } from '../token-flags.ts'

export const createEnvCommand = ({ run }: Runner) =>
  createVerb('env')
    .description('print the credential as environment variables for your shell')
    .argument('[identity]', 'which')
    .addOption(new Option('--format <format>', 'for whom; default: your shell').choices(ENV_FORMATS))
    .option('--unset', 'take the variables away again')
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .addHelpText('after', HELP)
    .action((identity, flags) => run(flags, 'env', (world) => env(world, selected(identity, flags), flags)))

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

async function env(
  world: World,
  selected: string | undefined,
  { format: asked, unset, minTtl, tenant }: EnvOptions,
): Promise<Answer> {
  const format = formatOf(world, asked)
  if (unset) return { out: unsetText(namesFor((await world.daypass.definition(selected)).provider), format) }
  const file = format === 'github' ? githubFile(world) : undefined
  const changes = await handOutChanges(world, selected, minTtl, tenant)
  if (!clears(format)) warnOfOthers(world, changes, format)
  return file === undefined ? { out: envText(changes, format as never) } : toGithub(changes, file)
}

function formatOf({ host, json }: World, asked: EnvFormat | undefined): EnvFormat {
  if (!json) return asked ?? defaultFormat(host.env.SHELL, host.surroundings().platform)
  if (asked === undefined || asked === 'json') return 'json'
  throw new DaypassError('usage', `--json and --format ${asked} are two formats`, {
    hint: 'give one of them',
  })
}

/** What is only a list of values takes nothing away. */
function warnOfOthers({ host }: World, { clear }: Changes, format: EnvFormat): void {
  const there = clear.filter((name) => host.env[name])
  if (there.length > 0)
    host.terminal.warn(`${there.join(', ')}: set here, where it wins, and ${format} cannot take it away`)
}

function githubFile({ host }: World): string {
  if (host.env.GITHUB_ENV) return host.env.GITHUB_ENV
  throw new DaypassError('usage', 'GITHUB_ENV is not set: this is no step of GitHub Actions', {
    hint: 'use another --format',
  })
}

/** The masks first: what a log may show must not be known before what it may not show. */
function toGithub(changes: Changes, path: string): Answer {
  const { file, masks } = githubText(changes, `daypass_${randomUUID()}`)
  return { ...(masks && { out: masks }), after: () => append(path, file) }
}

function append(path: string, text: string): void {
  try {
    appendFileSync(path, text)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DaypassError('not_found', `the file of GITHUB_ENV cannot be written (${code})`, { cause })
  }
}
