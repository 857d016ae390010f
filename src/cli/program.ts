import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { createAuditCommand } from './commands/audit.ts'
import { createConfigCommand } from './commands/config.ts'
import { createConsoleCommand } from './commands/console.ts'
import { createCredentialProcessCommand } from './commands/credential-process.ts'
import { createDemoCommand } from './commands/demo.ts'
import { createDockerCredentialCommand } from './commands/docker-credential.ts'
import { createEnvCommand } from './commands/env.ts'
import { createExecCommand } from './commands/exec.ts'
import { createFetchCommand } from './commands/fetch.ts'
import { createGitCredentialCommand } from './commands/git-credential.ts'
import { createImportCommand } from './commands/import.ts'
import { createKubeCredentialCommand } from './commands/kube-credential.ts'
import { createListCommand } from './commands/list.ts'
import { createLoginCommand } from './commands/login.ts'
import { createLogoutCommand } from './commands/logout.ts'
import { createRefreshCommand } from './commands/refresh.ts'
import { createRemoveCommand } from './commands/remove.ts'
import { createServeCommand } from './commands/serve.ts'
import { createSetupCommand } from './commands/setup.ts'
import { createShellCommand } from './commands/shell.ts'
import { createStatusCommand } from './commands/status.ts'
import { createTenantsCommand } from './commands/tenants.ts'
import { createTokenCommand } from './commands/token.ts'
import { createUseCommand } from './commands/use.ts'
import { createWhoamiCommand } from './commands/whoami.ts'
import type { Runner } from './runner.ts'

/** In the order of the help text. */
const VERBS: readonly ((runner: Runner) => CommandUnknownOpts)[] = [
  createLoginCommand,
  createLogoutCommand,
  createRemoveCommand,
  createListCommand,
  createStatusCommand,
  createWhoamiCommand,
  createUseCommand,
  createRefreshCommand,
  createTokenCommand,
  createEnvCommand,
  createExecCommand,
  createShellCommand,
  createFetchCommand,
  createCredentialProcessCommand,
  createGitCredentialCommand,
  createDockerCredentialCommand,
  createKubeCredentialCommand,
  createSetupCommand,
  createImportCommand,
  createConsoleCommand,
  createServeCommand,
  createAuditCommand,
  createTenantsCommand,
  createConfigCommand,
  createDemoCommand,
]

export function createProgram(runner: Runner): CommandUnknownOpts {
  const root = new Command('daypass')
    .description(
      'One browser login, and every command-line tool on this machine has short-lived credentials that renew themselves.',
    )
    .version(runner.version, '-V, --version')
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false, subcommandTerm: formatTerm })
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError(true)
  for (const create of VERBS) root.addCommand(create(runner).copyInheritedSettings(root))
  return root
}

/** Every verb has options; the help omits `[options]`, because the descriptions need the room. */
const formatTerm = (verb: CommandUnknownOpts) =>
  [verb.name(), verb.alias()].filter(Boolean).join('|') +
  verb.registeredArguments.map((each) => (each.required ? ` <${each.name()}>` : ` [${each.name()}]`)).join('')

const EXAMPLES = `
Examples:
  daypass login github                     log in, and keep it
  daypass login oidc work --issuer https://id.example.com --client-id ID
  daypass token --header | curl -H @- https://api.example.com
  daypass login aws work                   keys of AWS, renewed for up to 12 hours
  daypass setup aws work                   and a profile of them for every AWS tool
  daypass exec work -- terraform plan      a program with the credential in its environment
  daypass status                           what there is, and for how long
  daypass logout work                      revoke it, and forget it

Every verb takes --json. Exit codes: 0 done, 2 usage or configuration, 3 not found, 4 login required,
5 try again, 6 refused, 8 pending, 130 cancelled.`
