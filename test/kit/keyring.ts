import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../vault/support.ts'
import type { Sandbox } from './cli.ts'

export const KEYRING = ['dbus-daemon', 'gnome-keyring-daemon', 'secret-tool', 'gdbus'] as const

type Running = ReturnType<Sandbox['start']>

/** A Secret Service of the sandbox's own: gnome-keyring on a bus that starts nothing by itself. */
export interface Keyring {
  /** Starts the daemon, its keyring unlocked; what was kept in it before is there again. */
  serve(): Promise<Running>
  /** Ends it, as a crash would. */
  end(daemon: Running): Promise<void>
  lock(): Promise<void>
  /** From now on an unlock prompt comes up and stays; call the result to wait for one. */
  promptForever(): () => Promise<void>
  /** The secrets of daypass, as another program finds them. */
  secrets(): Promise<string[]>
  tool(args: readonly string[], input?: string): Promise<string>
}

const SECRETS = 'org.freedesktop.secrets'
const LONG = { timeout: 120_000 }

/** `services`: what the bus starts when it is asked for; nothing but what the test puts there. */
const busOf = (home: string) => `<busconfig>
  <type>session</type>
  <listen>unix:path=${home}/bus</listen>
  <servicedir>${home}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

/** A window that nobody answers: whoever asks for it waits while it starts, which it does for as long as there is the bus. */
const promptOf = (home: string, bus: number) => `[D-BUS Service]
Name=org.gnome.keyring.SystemPrompter
Exec=/bin/sh -c 'touch ${home}/prompt; while kill -0 ${bus}; do sleep 0.1; done'
`

/** Ended with the sandbox, like everything else that it started. */
export async function keyringOf(one: Sandbox): Promise<Keyring> {
  const { home } = one
  for (const name of ['run', 'services']) mkdirSync(join(home, name), { mode: 0o700 })
  writeFileSync(join(home, 'bus.conf'), busOf(home))
  Object.assign(one.env, {
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${home}/bus`,
    XDG_RUNTIME_DIR: join(home, 'run'),
    XDG_DATA_HOME: join(home, 'data'),
  })
  const arguments_ = [`--config-file=${home}/bus.conf`, '--nofork', '--print-address']
  const bus = one.start(arguments_, { program: ['dbus-daemon'], ...LONG })
  await bus.waitFor(/unix:/)

  const gdbus = (to: string, path: string, method: string, ...args: string[]) =>
    one.run(['call', '--session', '-d', to, '-o', path, '-m', method, ...args], { program: ['gdbus'] })
  // Asking for anything else would be answered by nobody, or by whoever is started for it.
  const owner = async () => {
    const asked = await gdbus('org.freedesktop.DBus', '/', 'org.freedesktop.DBus.GetNameOwner', SECRETS)
    return asked.stdout
  }

  async function tool(args: readonly string[], input = ''): Promise<string> {
    return (await one.run(args, { program: ['secret-tool'], input })).stdout
  }

  return {
    async serve() {
      const flags = ['--unlock', '--components=secrets', '--foreground']
      const daemon = one.start(flags, { program: ['gnome-keyring-daemon'], ...LONG })
      daemon.write('password')
      daemon.endInput()
      await until(async () => (await owner()) !== '')
      return daemon
    },
    async end(daemon) {
      daemon.kill('SIGKILL')
      await daemon.ended
      await until(async () => (await owner()) === '')
    },
    async lock() {
      const collection = "['/org/freedesktop/secrets/collection/login']"
      await gdbus(SECRETS, '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock', collection)
    },
    promptForever() {
      writeFileSync(join(home, 'services/org.gnome.keyring.SystemPrompter.service'), promptOf(home, bus.pid))
      return () => until(() => existsSync(join(home, 'prompt')))
    },
    async secrets() {
      const found = await tool(['search', '--all', 'service', 'daypass'])
      return [...found.matchAll(/^secret = (.*)$/gm)].map(([, secret]) => secret!)
    },
    tool,
  }
}
