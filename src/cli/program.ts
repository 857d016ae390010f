import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { builtIn } from '../providers/index.ts'
import { flagOf, listParamFlags } from '../providers/param.ts'
import { common, selected } from './flags.ts'
import { handOutCommands } from './hand-out-commands.ts'
import { protocolCommands } from './protocol-commands.ts'
import type { Runner } from './runner.ts'
import { tenantCommands } from './tenant-commands.ts'
import { toolCommands } from './tool-commands.ts'
import { auditCommand, serveCommand } from './use-commands.ts'

const METHODS = ['browser', 'paste', 'device', 'token', 'keys'] as const
const METHOD = 'how: browser, paste, device, token or keys; chosen from the surroundings when not given'

/** The command line. Commands are loaded when they run. */
export function program(runner: Runner): Command {
  const root = new Command('daypass')
  root
    .description(
      'One browser login, and every command-line tool on this machine has short-lived credentials that renew themselves.',
    )
    .version(runner.version, '-V, --version')
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false, subcommandTerm: termOf })
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError(true)

  const { api_url: api, ...params } = paramOptions()
  const login = common(root.command('login'), api)
    .description('log in by browser, pasted code, device code, token or keys')
    .argument('[target]', 'a provider, or an identity that exists')
    .argument('[name]', 'name of the identity; by default the provider')
    .option('--name <name>', 'same as [name]')
    .addOption(new Option('--method <method>', METHOD).choices(METHODS))
    .option('--no-browser', 'open no browser: paste what the page ends at')
    .addOption(new Option('--browser <command>', 'open the page with this command'))
    .addOption(new Option('--remote', 'same as --no-browser').hideHelp())
    .addOption(new Option('--interactive <yes>', 'false: same as --no-browser').hideHelp())
    .option('--device', 'log in with a code on any device')
    .option('--token-stdin', 'read a personal access token from standard input')
    .option('--with-token [value]', 'the same; a value given here can be read by others on this machine')
  for (const option of Object.values(params)) login.addOption(option)
  login
    .option('--client-id <id>', 'the OAuth client to log in as')
    .option('--scopes <scopes>', 'what to ask for, separated by spaces')
    .option('--set-default', 'make it the default')
    .option('--force', 'replace whatever holds the name')
    .option('--port <port>', 'listen for the browser on this port')
    .option('--timeout <time>', 'how long to wait, by default 5m')
    .option('--login-hint <who>', 'whom the page should expect')
    .option('--prompt <what>', 'what the page should ask: login, consent, select_account')
    .option('--qr', 'draw the address as a QR code')
    .option('--start', 'begin a login in two steps, print where to go, and exit with 8')
    .option('--finish <id>', 'the second step')
    .option('--wait <time>', 'with --finish: how long to wait')
    .option('--callback-url <url>', 'with --finish: the address that the page ended at')
    .option('--code <text>', 'with --finish: the code that came back')
    .action(async (target, name, flags) => {
      const { login } = await import('./commands/login.ts')
      const named = selected(target, flags)
      await runner.run(flags, 'login', (world) => login(world, named, name, flags))
    })

  common(root.command('logout'))
    .description('end a login: revoke it at the server, remove it here')
    .argument('[identity]', 'which')
    .option('--all', 'every login')
    .option('--local-only', 'ask nothing of the server')
    .option('--dry-run', 'only say what would be done')
    .action(async (identity, flags) => {
      const { logout } = await import('./commands/logout.ts')
      await runner.run(flags, 'logout', (world) => logout(world, selected(identity, flags), flags))
    })

  common(root.command('remove'))
    .description('delete an identity altogether')
    .argument('[identity]', 'which')
    .option('-y, --yes', 'do not ask')
    .action(async (identity, flags) => {
      const { remove } = await import('./commands/logout.ts')
      await runner.run(flags, 'remove', (world) => remove(world, selected(identity, flags), flags))
    })

  common(root.command('list').alias('ls'))
    .description('all identities, offline')
    .action(async (flags) => {
      const { list } = await import('./commands/list.ts')
      await runner.run(flags, 'list', list)
    })

  common(root.command('status'))
    .description('whether it can be used, and for how long, offline; exit 4 if a login is needed')
    .argument('[identity]', 'which; all, when not given')
    .option('--check', 'ask the server')
    .action(async (identity, flags) => {
      const { status } = await import('./commands/status.ts')
      await runner.run(flags, 'status', (world) => status(world, selected(identity, flags), flags))
    })

  common(root.command('whoami'))
    .description('who is logged in, offline')
    .argument('[identity]', 'which')
    .action(async (identity, flags) => {
      const { whoami } = await import('./commands/whoami.ts')
      await runner.run(flags, 'whoami', (world) => whoami(world, selected(identity, flags)))
    })

  common(root.command('use').alias('switch'))
    .description('make an identity the default')
    .argument('[identity]', 'which')
    .option('--here', 'for this folder and those below it, in .daypass.yaml')
    .option('--unset', 'have no default')
    .action(async (identity, flags) => {
      const { use } = await import('./commands/use.ts')
      await runner.run(flags, 'use', (world) => use(world, selected(identity, flags), flags))
    })

  common(root.command('refresh'))
    .description('renew now, if it is stale')
    .argument('[identity]', 'which')
    .option('--force', 'even if it is fresh')
    .option('--all', 'every login')
    .action(async (identity, flags) => {
      const { refresh } = await import('./commands/refresh.ts')
      await runner.run(flags, 'refresh', (world) => refresh(world, selected(identity, flags), flags))
    })

  handOutCommands(root as unknown as Command, runner)
  protocolCommands(root as unknown as Command, runner)
  toolCommands(root as unknown as Command, runner)
  serveCommand(root as unknown as Command, runner)
  auditCommand(root as unknown as Command, runner)
  tenantCommands(
    root.command('tenants').description('the tenants of an account that has several') as unknown as Command,
    runner,
  )

  configCommands(
    root.command('config').description('where the configuration lies, and whether it is right'),
    runner,
  )

  common(root.command('demo'))
    .description('the whole story, against a server that it starts itself on 127.0.0.1')
    .action((flags) => runner.runDemo(flags))

  return root as unknown as Command
}

/** Flags of `login` that are parameters of some provider, by the parameter; an alias by its own name. */
function paramOptions(): Record<string, Option> {
  const options = [...listParamFlags(Object.values(builtIn))].flatMap(([name, { flag }]) => {
    const { value, about, alias } = flag
    const option = new Option(`${flagOf(name)} <${value}>`, about)
    if (alias === undefined) return [[name, option]]
    return [
      [name, option],
      [alias, new Option(`--${alias} <${value}>`, `same as ${flagOf(name)}`).hideHelp()],
    ]
  })
  return Object.fromEntries(options)
}

/** Every verb has options; to say so would cost the room that the descriptions need. */
const termOf = (verb: CommandUnknownOpts) =>
  [verb.name(), verb.alias()].filter(Boolean).join('|') +
  verb.registeredArguments.map((each) => (each.required ? ` <${each.name()}>` : ` [${each.name()}]`)).join('')

function configCommands(config: Command, runner: Runner): void {
  common(config.command('path'))
    .description('where it lies')
    .action(async (flags) => {
      const { configPath } = await import('./commands/config.ts')
      await runner.runConfig(flags, configPath)
    })
  common(config.command('show'))
    .description('what is in force, and from where')
    .action(async (flags) => {
      const { configShow } = await import('./commands/config.ts')
      await runner.runConfig(flags, configShow)
    })
  common(config.command('validate'))
    .description('every mistake, with its line and column')
    .action(async (flags) => {
      const { configValidate } = await import('./commands/config.ts')
      await runner.runConfig(flags, configValidate)
    })
}

const EXAMPLES = `
Examples:
  daypass login github                     log in, and keep it
  daypass login oidc work --issuer https://id.example.com --client-id ID
  curl -H "$(daypass token --header)" https://api.example.com
  daypass login aws work                   keys of AWS, renewed for up to 12 hours
  daypass setup aws work                   and a profile of them for every AWS tool
  daypass exec work -- terraform plan      a program with the credential in its environment
  daypass status                           what there is, and for how long
  daypass logout work                      revoke it, and forget it

Every verb takes --json. Exit codes: 0 done, 2 usage or configuration, 3 not found, 4 login required,
5 try again, 6 refused, 8 pending, 130 cancelled.`
