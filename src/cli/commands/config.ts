import { Command } from '@commander-js/extra-typings'
import { readConfigFile } from '../../config/load.ts'
import { checkConfig, createConfigurationError } from '../../config/parse.ts'
import { EXIT } from '../../core/errors.ts'
import { createVerbCommand } from '../flags.ts'
import { type BareContext, type CommandResult, formatJson } from '../output/result.ts'
import { formatSheet } from '../output/text.ts'
import type { Runner } from '../runner.ts'

/** Reads the files itself, so that it works when they are wrong. */
export const createConfigCommand = ({ runBare }: Runner) =>
  new Command('config')
    .description('where the configuration lies, and whether it is right')
    .addCommand(
      createVerbCommand('path')
        .description('where it lies')
        .action((flags) => runBare(flags, 'config', runConfigPath)),
    )
    .addCommand(
      createVerbCommand('show')
        .description('what is in force, and from where')
        .action((flags) => runBare(flags, 'config', runConfigShow)),
    )
    .addCommand(
      createVerbCommand('validate')
        .description('every mistake, with its line and column')
        .action((flags) => runBare(flags, 'config', runConfigValidate)),
    )

function runConfigPath({ paths, json }: BareContext): CommandResult {
  const { config, vault, state, audit } = paths
  return { out: json ? formatJson({ config, vault, state, audit }) : config }
}

function runConfigValidate({ paths, host, json }: BareContext): CommandResult {
  const file = readConfigFile(paths.config)
  const { problems } = file ? checkConfig(file.text, paths.config) : { problems: [] }
  if (json)
    return {
      out: formatJson({ file: paths.config, exists: file !== undefined, problems }),
      code: problems.length > 0 ? EXIT.configuration : 0,
    }
  if (problems.length > 0) throw createConfigurationError(problems)
  host.terminal.say(file ? `${paths.config} is valid.` : `There is no ${paths.config}, and none is needed.`)
  return {}
}

/** Shows the settings in force and their sources, never a value that may be secret. */
function runConfigShow({ paths, host, json, paint }: BareContext): CommandResult {
  const file = readConfigFile(paths.config)
  const { config = {}, problems } = file ? checkConfig(file.text, paths.config) : { config: {}, problems: [] }
  if (problems.length > 0) throw createConfigurationError(problems)
  const from = (set: unknown, where: string) => (set ? where : 'built in')
  const { env } = host
  const settings = {
    config: { value: paths.config, from: from(env.DAYPASS_CONFIG, 'DAYPASS_CONFIG') },
    vault: { value: paths.vault, from: from(env.DAYPASS_HOME, 'DAYPASS_HOME') },
    store: {
      value: env.DAYPASS_STORE || config.auth?.keyring?.type || 'auto',
      from: env.DAYPASS_STORE ? 'DAYPASS_STORE' : from(config.auth?.keyring?.type, 'config.yaml'),
    },
    default: { value: config.default ?? null, from: from(config.default, 'config.yaml') },
    identities: { value: Object.keys(config.auth?.identities ?? {}), from: 'config.yaml' },
    providers: { value: Object.keys(config.auth?.providers ?? {}), from: 'config.yaml' },
  }
  if (json) return { out: formatJson(settings) }
  const lines = Object.entries(settings).map(([name, { value, from: where }]) => {
    const words = Array.isArray(value) ? value.join(', ') || 'none' : (value ?? 'none')
    return [name, `${words}  ${paint('dim', `(${where})`)}`] as const
  })
  return { out: formatSheet(lines, paint) }
}
