import type { Command } from '@commander-js/extra-typings'
import { common, selected } from './flags.ts'
import type { Runner } from './runner.ts'

/** What concerns other tools: their configuration, what they have kept, the console of a cloud. */
export function toolCommands(root: Command, runner: Runner): void {
  common(root.command('setup'))
    .description('write the configuration of another tool, so that it asks daypass')
    .argument('<tool>', 'aws, alibaba, git, docker or kubectl')
    .argument('[identity]', 'which')
    .option('--as <name>', 'name of the profile or user to write; default: that of the identity')
    .option('--login-session', 'aws: share the login itself; its refresh token then lies in clear')
    .option('--force', 'in the place of what is there already')
    .option('--dry-run', 'only show the difference')
    .option('--undo', 'take away what was written')
    .action(async (tool, identity, flags) => {
      const { setup } = await import('./commands/setup.ts')
      await runner.run(flags, 'setup', (world) => setup(world, tool, selected(identity, flags), flags))
    })

  common(root.command('import'))
    .description('copy what another tool keeps; its files stay as they are')
    .argument('<tool>', 'aws, aliyun, iac-code or cld')
    .option('--take-over', 'sessions that rotate, too: the other tool has to log in again')
    .option('--dry-run', 'only say what would be copied')
    .action(async (tool, flags) => {
      const { importFrom } = await import('./commands/import.ts')
      await runner.run(flags, 'import', (world) => importFrom(world, tool, flags))
    })

  common(root.command('console'))
    .description("open the cloud's web console as this identity")
    .argument('[identity]', 'which')
    .option('--print', 'only print the address')
    .option('--service <name>', 'its page: s3, ec2, cloudwatch, …')
    .option('--destination <url>', 'any page of the console')
    .option('--region <region>', 'the region of the page')
    .option('--browser <command>', 'open it with this command')
    .action(async (identity, flags) => {
      const { webConsole } = await import('./commands/console.ts')
      await runner.run(flags, 'console', (world) => webConsole(world, selected(identity, flags), flags))
    })
}
