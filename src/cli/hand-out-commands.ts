import { type Command, Option } from '@commander-js/extra-typings'
import { ENV_FORMATS } from '../formats/env.ts'
import { common, selected } from './flags.ts'
import type { Runner } from './runner.ts'
import { CREDENTIAL_PROCESS, TOKEN } from './token-flags.ts'
import { useCommands } from './use-commands.ts'

/** A credential, in the words of whoever uses it. */
export function handOutCommands(root: Command, runner: Runner): void {
  const left = TOKEN.minTtl.about
  const { format: FORMAT } = CREDENTIAL_PROCESS
  const within = 'the tenant, instead of the one in force'

  common(root.command('token'))
    .description('print the access token, renewed where needed')
    .argument('[identity]', 'which')
    .option(TOKEN.header.flags, TOKEN.header.about)
    .option(TOKEN.minTtl.flags, TOKEN.minTtl.about)
    .action(async (identity, flags) => {
      const { token } = await import('./commands/token.ts')
      await runner.run(flags, 'token', (world) => token(world, selected(identity, flags), flags))
    })

  common(root.command('env'))
    .description('print the credential as environment variables for your shell')
    .argument('[identity]', 'which')
    .addOption(new Option('--format <format>', 'for whom; default: your shell').choices(ENV_FORMATS))
    .option('--unset', 'take the variables away again')
    .option('--min-ttl <time>', left)
    .option('--tenant <tenant>', within)
    .addHelpText('after', ENV)
    .action(async (identity, flags) => {
      const { env } = await import('./commands/env.ts')
      await runner.run(flags, 'env', (world) => env(world, selected(identity, flags), flags))
    })

  common(root.command('exec'))
    .description('run a program with the credential in its environment')
    .usage('[identity] [options] -- CMD...')
    .argument('[identity]', 'which')
    .option('--min-ttl <time>', left)
    .option('--tenant <tenant>', within)
    .option('--endpoint', 'give it an address of this machine that always has a good credential')
    .addHelpText('after', EXEC)
    .action(async (identity, flags) => {
      const { exec } = await import('./commands/exec.ts')
      await runner.run(flags, 'exec', (world) =>
        exec(world, selected(identity, flags), runner.command, flags),
      )
    })

  useCommands(root, runner)

  common(root.command('credential-process'))
    .description('answer the tools of a cloud that start a program for their keys')
    .argument('[identity]', 'which')
    .addOption(new Option(FORMAT.flags, FORMAT.about).choices(FORMAT.choices))
    .action(async (identity, flags) => {
      const { credentialProcess } = await import('./commands/credential-process.ts')
      const alone = { ...flags, input: false }
      await runner.run(alone, 'credential-process', (world) =>
        credentialProcess(world, selected(identity, alone), flags),
      )
    })
}

const ENV = `
How to use it:
  bash, zsh, sh   eval "$(daypass env)"
  fish            daypass env | source
  powershell      daypass env | Out-String | Invoke-Expression
  cmd             for /f "delims=" %i in ('daypass env --format cmd') do @%i
  nu              daypass env --format json | from json | load-env
  github          daypass env --format github    in a step: for the steps behind it`

const EXEC = `
Its exit code is that of the program: 128+n when signal n ended it, 127 when there is no such program,
126 when it cannot be run. Ctrl-C and other signals reach the program.`
