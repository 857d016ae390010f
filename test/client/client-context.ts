/** The client over a memory vault, a real server and a real listener; the person and the clock are played. */
import { type Context, type IdentityChoices, mergeProviders } from '../../src/client/context.ts'
import { assembleDaypass, type Daypass } from '../../src/client/index.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Advice } from '../../src/core/errors.ts'
import type { Header, Host, RuntimeEnvironment } from '../../src/core/types.ts'
import { listenOnLoopback } from '../../src/platform/listen.ts'
import { builtIn } from '../../src/providers/index.ts'
import type { Provider } from '../../src/providers/provider.ts'
import type { AuthorizationServer } from '../../src/testing/index.ts'
import { scriptedBrowser, scriptedTerminal, testClock } from '../../src/testing/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import type { Vault } from '../../src/vault/vault.ts'

export interface WorldOptions {
  server?: AuthorizationServer
  config?: Config
  env?: Record<string, string>
  /** Its credentials count, as for the command line. Default: true. */
  environment?: boolean
  vault?: Vault
  providers?: Record<string, Provider>
  interactive?: boolean
  /** What the person types, in order; afterwards the input has ended (or, on a terminal, nothing more comes). */
  types?: string[]
  /** What the person chooses, in order; afterwards they cancel. */
  chooses?: string[]
  /** What the person answers to open questions; afterwards they take what is proposed. */
  answers?: string[]
  confirms?: boolean
  browser?: boolean
  folder?: { identity: string; file: string }
  fetch?: Host['fetch']
  elsewhere?: Host['externalDefault']
}

export const NOTHING: RuntimeEnvironment = {
  platform: 'linux',
  interactive: false,
  ssh: false,
  wsl: false,
  container: false,
  display: true,
  ci: false,
  browserSet: false,
}

export async function world(options: WorldOptions = {}) {
  const { server, config = {}, env = {}, types = [], interactive = false, environment = true } = options
  const requests: { url: string; init: RequestInit | undefined }[] = []
  const calls = { deferred: 0 }
  // A deadline never comes by itself; a pause is over at once and has taken its time.
  const clock = testClock(Date.now, { naps: 59_999 })
  const { confirms = false } = options
  const terminal = scriptedTerminal({
    interactive,
    answers: {
      readSecret: types,
      confirm: [confirms],
      ask: options.answers ?? [],
      choose: options.chooses ?? [],
    },
  })
  const browser = scriptedBrowser()
  const vault = options.vault ?? createMemoryVault()
  const stored: { default?: string | undefined } = {}
  const host: Host = {
    env,
    now: clock.now,
    sleep: clock.sleep,
    fetch: (input, init) => {
      requests.push({ url: String(input instanceof Request ? input.url : input), init })
      return (options.fetch ?? fetch)(input, init)
    },
    openBrowser: async (url) => (options.browser === false ? false : browser.openBrowser(url)),
    listen: listenOnLoopback,
    detectRuntimeEnvironment: () => ({ ...NOTHING, interactive }),
    deferSignals(work) {
      calls.deferred += 1
      return work()
    },
    terminal,
    ...(options.elsewhere && { externalDefault: options.elsewhere }),
  }
  const choices: IdentityChoices = {
    readDefault: () => stored.default,
    writeDefault: async (name) => {
      stored.default = name
    },
    folder: async () => options.folder,
  }
  const providers = options.providers ?? builtIn
  const daypass: Daypass = assembleDaypass({ host, vault, config, choices, providers, environment })
  const context: Context = {
    host,
    vault,
    config,
    choices,
    providers: mergeProviders(providers, config),
    environment,
  }
  const given = server && { params: { issuer: server.issuer }, clientId: server.clientId }
  return {
    daypass,
    context,
    host,
    vault,
    browser,
    /** The authorization request of the latest login: where its start page led to. */
    requested: async () => new URL((await browser.visited()).trail[1]!),
    said: terminal.said,
    warned: terminal.warned,
    asked: terminal.asked,
    heard: terminal.heard,
    requests,
    calls,
    stored,
    given,
    login: (name = 'work', more: Parameters<Daypass['login']>[1] = {}) =>
      daypass.login('oidc', { name, ...(given && { given }), ...more }),
    /** Time passes, for the server's clock too. */
    advance(milliseconds: number) {
      clock.advance(milliseconds)
      server?.setClockOffset(clock.now() - Date.now())
    },
    async header(name = 'work'): Promise<Header> {
      return (await vault.header(name))!
    },
    async token(name = 'work'): Promise<string> {
      const credential = await daypass.credential(name)
      return credential.kind === 'bearer' ? credential.token.reveal() : 'keys'
    },
    async refreshToken(name = 'work'): Promise<string | undefined> {
      return (await vault.read(name))?.grant?.refreshToken?.reveal()
    },
  }
}

/** What a promise is rejected with; fails when it is not. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; hint?: string; advice?: Advice }> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof Error) return outcome
  throw new Error(outcome === undefined ? 'nothing was thrown' : `not an error: ${String(outcome)}`)
}

export function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
