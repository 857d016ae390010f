import { basename } from 'node:path'
import * as v from 'valibot'
import { DaypassError, type FormatCommand } from '../core/errors.ts'
import { BUILT_IN_PROVIDERS } from '../providers/registry.ts'
import { findCrossFaults } from './checks.ts'
import { type Config, configSchema } from './schema.ts'
import { type Path, type Position, parseYaml, type YamlText } from './yaml-text.ts'

/** One fault. `message` is complete (`config.yaml:7:5: unknown key …`) and holds no value of the file. */
export interface Problem extends Position {
  path: string
  message: string
}

export interface ConfigCheck {
  /** Absent where there is a problem. */
  config?: Config
  /** All problems, in the order of the file. */
  problems: Problem[]
}

interface Fault {
  path: Path
  on: 'key' | 'value'
  message: string
}

/** Reports every fault of a configuration at once. `file` is used in messages only and not read. */
export function checkConfig(
  text: string,
  file: string,
  builtIn: readonly string[] = BUILT_IN_PROVIDERS,
): ConfigCheck {
  const yaml = parseYaml(text)
  const result = v.safeParse(configSchema, yaml.value ?? {})
  const faults =
    yaml.value === undefined
      ? []
      : [...(result.issues ?? []).map(convertIssue), ...findCrossFaults(yaml.value, builtIn)]
  const problems = [
    ...yaml.mistakes.map((mistake) => createProblem(file, mistake, '', mistake.message)),
    ...faults.map((fault) => locateFault(file, yaml, fault)),
  ]
  if (problems.length === 0 && result.success) return { config: removePrototypes(result.output), problems }
  return { problems: sortProblems(problems) }
}

/** Returns a valid configuration. Throws `configuration` with the first fault. */
export function parseConfig(
  text: string,
  file: string,
  builtIn: readonly string[] = BUILT_IN_PROVIDERS,
): Config {
  const { config, problems } = checkConfig(text, file, builtIn)
  if (config !== undefined) return config
  throw createConfigurationError(problems)
}

export function createConfigurationError(problems: readonly Problem[]): DaypassError {
  const more = problems.length - 1
  const hint = (command: FormatCommand) => {
    const validate = command({ verb: 'config validate' })
    return more > 0 ? `${validate} shows this and ${more} more` : `mend it, then: ${validate}`
  }
  return new DaypassError('configuration', problems[0]?.message ?? 'the configuration is not valid', { hint })
}

/** Returns the position of a key. `tenants use` shows the line that fixes the tenant. */
export function locateInConfig(text: string, path: Path): Position {
  return parseYaml(text).locate(path, 'key')
}

function convertIssue(issue: v.BaseIssue<unknown>): Fault {
  const items = issue.path ?? []
  const ours = issue.message.includes('{in}')
  return {
    path: items.map((item) => item.key as string | number),
    on: items.at(-1)?.origin === 'key' ? 'key' : 'value',
    // A message of valibot quotes the value.
    message: ours ? issue.message : 'something else is expected in {in}',
  }
}

function locateFault(file: string, yaml: YamlText, { path, on, message }: Fault): Problem {
  const place = formatPath(on === 'key' ? path.slice(0, -1) : path)
  const said = place === '' ? message.replace(/,? in \{in\}/, '') : message.replace('{in}', place)
  return createProblem(file, yaml.locate(path, on), formatPath(path), said)
}

function createProblem(file: string, { line, column }: Position, path: string, message: string): Problem {
  return { line, column, path, message: `${basename(file)}:${line}:${column}: ${message}` }
}

/** Shows only what looks like a key; other text may be a value before a colon. */
function formatPath(path: Path): string {
  return path.map((key) => (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(String(key)) ? key : '…')).join('.')
}

function sortProblems(problems: Problem[]): Problem[] {
  const once = new Map(problems.map((each) => [each.message, each]))
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** Removes prototypes, so that `identities['toString']` is undefined. */
function removePrototypes(config: Config): Config {
  const { identities, providers } = config.auth ?? {}
  if (config.auth && identities) config.auth.identities = Object.assign(Object.create(null), identities)
  if (config.auth && providers) config.auth.providers = Object.assign(Object.create(null), providers)
  return config
}
