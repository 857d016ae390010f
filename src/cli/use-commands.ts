import type { Command } from '@commander-js/extra-typings'
import { common, selected } from './flags.ts'
import type { Runner } from './program.ts'

/** A credential that is used at once. */
export function useCommands(root: Command, runner: Runner): void {
  common(root.command('shell'))
    .description('a shell of your own with the credential in its environment')
    .argument('[identity]', 'which')
    .option('--min-ttl <time>', 'what must be left of it, like 10m')
    .addHelpText('after', SHELL)
    .action(async (identity, flags) => {
      const { shell } = await import('./commands/shell.ts')
      await runner.run(flags, 'shell', (world) => shell(world, selected(identity, flags), flags))
    })
}

const SHELL = `
It is the shell of $SHELL (%ComSpec% on Windows), with your own configuration. In bash, zsh and fish its
prompt begins with (daypass:NAME); DAYPASS_SHELL_IDENTITY is the name. Within another one it replaces the
credential. Its exit code is that of the shell. The credential is not renewed there: when it ends, leave and
come back.`
