/** Measures programs side by side and in turn, so that other work of the machine slows all of them alike. */
import { spawn } from 'node:child_process'

/** A program, its arguments and its whole environment. */
export interface Program {
  command: readonly [string, ...string[]]
  env: Record<string, string>
}

/** Milliseconds: the median, and the first and third quartile. */
export interface Spread {
  median: number
  low: number
  high: number
}

/** Returns only what programs need to start: no credential, no proxy, nothing that slows Node. */
export function cleanEnvironment(more: Record<string, string> = {}): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR']
  const here = Object.fromEntries(
    kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  )
  return { ...here, LANG: 'C.UTF-8', ...more }
}

/** Builds the reference of every measurement: Node that does nothing. */
export const bareNode = (): Program => ({ command: [process.execPath, '-e', '0'], env: cleanEnvironment() })

/** Resolves with the output. Rejects on failure, because a failed run is no measurement. */
export function run({ command: [program, ...args], env }: Program): Promise<string> {
  const child = spawn(program, args, { env, cwd: env.HOME, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (text) => {
      said[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(said.stdout)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${said.stderr}`))
    })
  })
}

/** Runs the programs in turn for this many rounds. The first rounds warm the disk cache and do not count. */
export async function inTurn<Name extends string>(
  programs: Record<Name, Program>,
  rounds: number,
): Promise<Record<Name, Spread>> {
  const names = Object.keys(programs) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -2; round < rounds; round++) {
    for (const name of names) {
      const began = performance.now()
      await run(programs[name])
      if (round >= 0) times[name].push(performance.now() - began)
    }
  }
  return Object.fromEntries(names.map((name) => [name, spreadOf(times[name])])) as Record<Name, Spread>
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)]!
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}
