import { randomBytes } from 'node:crypto'
import { lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { parseDuration } from '../../core/duration.ts'
import { DaypassError } from '../../core/errors.ts'
import { applyEnvChanges, detectEnvFormat, formatEnv } from '../../formats/env.ts'
import type { EndpointAddress } from '../../formats/variables.ts'
import { revealBearer } from '../../oauth/bearer.ts'
import { createIdleTimeout } from '../../server/idle-timeout.ts'
import type { Place } from '../../server/local-server.ts'
import { assertPrivateFolder } from '../../trust/file-trust.ts'
import { writeFileDurably } from '../../vault/atomic.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { openHostProxy } from '../serve/api-proxy.ts'
import { buildEndpointEnvironment, openLiveEndpoint } from '../serve/credential-endpoint.ts'

export const createServeCommand = ({ run }: Runner) =>
  createVerbCommand('serve')
    .description('an address of this machine that always has a good credential')
    .argument('[identity]', 'which')
    .option('--port <port>', 'listen on this port of 127.0.0.1; any, when not given')
    .option('--unix <path>', 'listen on a socket instead, which is yours alone')
    .option('--idle <time>', 'end when nobody has asked for so long, like 1h')
    .option('--proxy', 'hand nothing out: send requests on to the hosts of the identity, with its token')
    .addHelpText('after', HELP)
    .action((identity, flags) =>
      run(flags, 'serve', (world) => runServe(world, resolveSelected(identity, flags), flags)),
    )

const HELP = `
It prints the variables for the shell of a program, once it may be asked; with --json one line:
{"url","authorization_token_file","env","unset"}. The SDKs of AWS and Alibaba Cloud ask it by themselves;
of other identities it answers GET /v1/token with {"token","token_type","expires_at"}. The bearer is made
anew each time, and lies in that file as long as it runs. Ctrl-C and SIGTERM end it, with exit code 0.

With --proxy, http://127.0.0.1:PORT/api.example.com/me becomes https://api.example.com/me with the real token
in the place of that bearer, whether it came as Bearer or as a password. A program is given the address and
the bearer, and never the token. Other hosts than those of the identity are not found; "hosts" names all.`

interface ServeOptions {
  /** Path of a Unix socket, instead of a port. */
  unix?: string | undefined
  port?: string | undefined
  idle?: string | undefined
  /** Forwards requests to the hosts of the identity and never hands out the credential. */
  proxy?: boolean | undefined
}

/** Answers programs until it is told to end. The address is printed on stdout once the server listens. */
async function runServe(
  world: CommandContext,
  selected: string | undefined,
  options: ServeOptions,
): Promise<CommandResult> {
  const place = await preparePlace(options)
  const idle = options.idle === undefined ? undefined : parseDuration(options.idle, '--idle')
  const handed = await world.daypass.getCredential(selected)
  const { provider } = await world.daypass.definition(selected)
  const { over, onAsked, onAnswered } = createIdleTimeout(world.signal, idle)
  const { close, ...served } = options.proxy
    ? await openHostProxy(world, handed, { place, onAsked, onAnswered })
    : await openLiveEndpoint(world, handed, provider, { place, onAsked: () => [onAsked(), onAnswered()] })
  assertPrivateFolder(world.paths.runtimeDir, (message) => world.host.terminal.warn(message))
  const bearerFile = join(world.paths.runtimeDir, `serve-${process.pid}-${randomBytes(6).toString('hex')}`)
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      // No line break at the end: readers would take it as a part of the bearer.
      writeFileDurably(bearerFile, revealBearer(served.bearer))
      await writeAuditLine(world, handed.identity)
      yield Buffer.from(await announceEndpoint(world, handed.identity, place, { ...served, bearerFile }))
      await over
    } finally {
      rmSync(bearerFile, { force: true })
      await close()
    }
  }
  return { body: body() }
}

/** Bytes of `sun_path` on macOS, which is shorter than on Linux, without the final NUL. */
const MAX_SOCKET_PATH = 103

/** Returns the port, or the path of a socket that no other process listens on. */
async function preparePlace({ unix, port = '0' }: ServeOptions): Promise<Place> {
  if (unix === undefined) {
    if (/^\d{1,5}$/.test(port) && Number(port) < 65536) return { port: Number(port) }
    throw new DaypassError('usage', '--port is a number below 65536', {
      advice: { verb: 'serve', flags: ['--port', '8123'] },
    })
  }
  if (port !== '0')
    throw new DaypassError('usage', '--unix and --port are two places', { hint: 'give one of them' })
  const socket = resolve(unix)
  // The system would cut the path and create another file.
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH)
    throw new DaypassError('usage', `the path of a socket has ${MAX_SOCKET_PATH} bytes at most`, {
      hint: 'choose a shorter path for --unix',
    })
  const there = lstatSync(socket, { throwIfNoEntry: false })
  if (!there) return { socket }
  const isOurs = there.isSocket() && there.uid === process.getuid?.()
  if (!isOurs) throw createSocketInUseError(`${socket} is there already, and no socket of ours`)
  if (await isAnswered(socket)) throw createSocketInUseError(`somebody listens at ${socket} already`)
  rmSync(socket)
  return { socket }
}

const isAnswered = (path: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

const createSocketInUseError = (message: string) =>
  new DaypassError('port', message, { hint: 'choose another path for --unix' })

/** Prints one line of JSON, or variables for a shell on stdout and a message on stderr. */
async function announceEndpoint(
  world: CommandContext,
  identity: string,
  place: Place,
  address: EndpointAddress & { bearerFile: string; hosts?: Record<string, string> },
): Promise<string> {
  const { host, json } = world
  const { url, bearerFile, hosts } = address
  const isSocket = 'socket' in place
  // Cloud programs cannot ask a Unix socket, and the proxy hands out no keys.
  const changes =
    isSocket || hosts ? { set: [], clear: [] } : await buildEndpointEnvironment(world, identity, address)
  if (json) {
    const env = applyEnvChanges(changes)
    const more = { ...(isSocket && { socket: place.socket }), ...(hosts && { hosts }) }
    return `${formatJson({ url, authorization_token_file: bearerFile, env, unset: changes.clear, ...more })}\n`
  }
  const where = isSocket ? `${url} at ${place.socket}` : url
  const what = hosts ? 'In the name' : 'Live credentials'
  host.terminal.say(`${what} of ${identity}: ${where}, with the bearer of ${bearerFile}`)
  for (const prefix of Object.values(hosts ?? {})) host.terminal.say(`  ${prefix}/`)
  if (changes.set.length === 0) {
    const socket = isSocket ? `--unix-socket ${place.socket} ` : ''
    const [first] = Object.values(hosts ?? {})
    const asked = first === undefined ? url : `${first}/`
    // Every user of the machine can read a command line, so the bearer goes by a pipe.
    host.terminal.say(
      `Try it: sed 's/^/Authorization: Bearer /' ${bearerFile} | curl ${socket}-H @- ${asked}`,
    )
  }
  host.terminal.say('It ends with Ctrl-C.')
  const format = detectEnvFormat(host.env.SHELL, host.detectRuntimeEnvironment().platform)
  return changes.set.length === 0 ? '' : `${formatEnv(changes, format as never)}\n`
}
