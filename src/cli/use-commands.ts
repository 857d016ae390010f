import type { Command } from '@commander-js/extra-typings'
import { common, selected } from './flags.ts'
import type { Runner } from './runner.ts'

/** A credential that is used at once. */
export function useCommands(root: Command, runner: Runner): void {
  common(root.command('shell'))
    .description('a shell of your own with the credential in its environment')
    .argument('[identity]', 'which')
    .option('--min-ttl <time>', 'what must be left of it, like 10m')
    .option('--tenant <tenant>', 'the tenant, instead of the one in force')
    .addHelpText('after', SHELL)
    .action(async (identity, flags) => {
      const { shell } = await import('./commands/shell.ts')
      await runner.run(flags, 'shell', (world) => shell(world, selected(identity, flags), flags))
    })

  common(root.command('fetch'))
    .description('one HTTP request with the token of an identity, only towards its own hosts')
    .argument('<url>', 'where to: https://api.example.com/me')
    .argument('[identity]', 'which')
    .option('-X, --method <method>', 'default: GET, with data POST')
    .option('-H, --header <line>', 'a header, like "Accept: text/csv"; several times', gathered)
    .option('-d, --data <data>', 'what to send: text, @file, or @- for standard input')
    .option('-o, --output <file>', 'write the answer there')
    .option('--include', 'the status and the headers of the answer, too')
    .addHelpText('after', FETCH)
    .action(async (url, identity, flags) => {
      const { fetchUrl } = await import('./commands/fetch.ts')
      await runner.run(flags, 'fetch', (world) => fetchUrl(world, url, selected(identity, flags), flags))
    })
}

/** A credential for programs that ask again and again. */
export function serveCommand(root: Command, runner: Runner): void {
  common(root.command('serve'))
    .description('an address of this machine that always has a good credential')
    .argument('[identity]', 'which')
    .option('--port <port>', 'listen on this port of 127.0.0.1; any, when not given')
    .option('--unix <path>', 'listen on a socket instead, which is yours alone')
    .option('--idle <time>', 'end when nobody has asked for so long, like 1h')
    .option('--proxy', 'hand nothing out: send requests on to the hosts of the identity, with its token')
    .addHelpText('after', SERVE)
    .action(async (identity, flags) => {
      const { serve } = await import('./commands/serve.ts')
      await runner.run(flags, 'serve', (world) => serve(world, selected(identity, flags), flags))
    })
}

const SERVE = `
It prints the variables for the shell of a program, once it may be asked; with --json one line:
{"url","authorization_token_file","env","unset"}. The SDKs of AWS and Alibaba Cloud ask it by themselves;
of other identities it answers GET /v1/token with {"token","token_type","expires_at"}. The bearer is made
anew each time, and lies in that file as long as it runs. Ctrl-C and SIGTERM end it, with exit code 0.

With --proxy, http://127.0.0.1:PORT/api.example.com/me becomes https://api.example.com/me with the real token
in the place of that bearer, whether it came as Bearer or as a password. A program is given the address and
the bearer, and never the token. Other hosts than those of the identity are not found; "hosts" names all.`

/** What was used. */
export function auditCommand(root: Command, runner: Runner): void {
  common(root.command('audit'))
    .description('who asked for which credential on this machine')
    .argument('[identity]', 'of which; all, when not given')
    .option('--since <time>', 'how far back, like 1h')
    .addHelpText('after', AUDIT)
    .action(async (identity, flags) => {
      const { audit } = await import('./commands/audit.ts')
      await runner.run(flags, 'audit', async (world) => audit(world, selected(identity, flags), flags))
    })
}

const AUDIT = `
Each credential that is handed out is a line of audit.jsonl (daypass config path): when, by which verb, of
which identity, for which host or program, to which process, in which folder; never a secret. At 1 MB the
file becomes audit.jsonl.1. With DAYPASS_AUDIT=off nothing is written down.`

const gathered = (line: string, before: readonly string[] = []) => [...before, line]

const FETCH = `
The hosts of an identity are those of its API and of its login, or hosts: of config.yaml. A token that the
server refuses is renewed once. Redirects are followed; to another origin they go without the token. Data
that is JSON is sent as application/json, other as a form, unless -H says otherwise. Keys of a cloud do not
go with a request: daypass exec -- CMD.

The answer is printed as it comes, whatever it is, and the exit code tells of it: 2xx and 3xx are 0, 401 is
4, 403 is 6, 408, 425, 429 and 5xx are 5, other 4xx are 1. With --json, what goes wrong is told as JSON.`

const SHELL = `
It is the shell of $SHELL (%ComSpec% on Windows), with your own configuration. In bash, zsh and fish its
prompt begins with (daypass:NAME); DAYPASS_SHELL_IDENTITY is the name. Within another one it replaces the
credential. Its exit code is that of the shell. The credential is not renewed there: when it ends, leave and
come back.`
