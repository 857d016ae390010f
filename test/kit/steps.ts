/** Runs `daypass` step by step: which steps it takes, and what is left when one of them is its last, or fails. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { CLI, type Result, type RunOptions, type Sandbox } from './cli.ts'

const PRELOADED = join(import.meta.dirname, 'steps.cjs')

/** What a run is given whose steps are told to a file; a signal comes in front of the one of that number or name. */
export function stepwise(
  log: string,
  at: number | string = 0,
  signal: NodeJS.Signals = 'SIGKILL',
): RunOptions {
  return {
    program: [process.execPath, '--require', PRELOADED, CLI],
    env: { STEPS_LOG: log, STEPS_AT: String(at), STEPS_SIGNAL: signal },
  }
}

/** A disk that breaks: what the system says, of which steps, and for how long. */
export interface Fault {
  error: string
  failing: RegExp
  /** Default: for good. */
  times?: number
}

/** The steps fail from the one of that number on. */
function faulty(log: string, at: number, { error, failing, times = Infinity }: Fault): RunOptions {
  const { program, env } = stepwise(log, at)
  const fault = { STEPS_ERROR: error, STEPS_FAILING: failing.source, STEPS_TIMES: String(times) }
  return { program: program!, env: { ...env, ...fault } }
}

/** The steps told so far; the signal came in front of the last one. */
export const stepsIn = (log: string): string[] =>
  existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []

interface Scene {
  one: Sandbox
  close(): Promise<void>
}

export interface Story<T extends Scene> {
  /** The same each time, and another one. */
  prepare(): Promise<T>
  verb(scene: T, options: RunOptions): Promise<Result>
  /** Instead of being killed. */
  fault?: Fault
  /** Looks at what is left, and says it in a few words. */
  left(scene: T, result: Result): Promise<string>
}

/** A process that is killed behind one of these leaves what it would have left in front of it. */
const CHANGES_NOTHING = /^(sync|hear|listen|say) ?/

/** Runs a verb once for each of its steps, killed there or with the fault at it: a line for each, and what was left. */
export async function hitAtEveryStep<T extends Scene>(story: Story<T>): Promise<string> {
  const { fault } = story
  const steps = await stepsOf(story)
  const found = await fewAtATime(steps, async (step, at) => {
    const previous = steps[at - 2] ?? ''
    if (fault ? !fault.failing.test(step) : CHANGES_NOTHING.test(previous)) return undefined
    const scene = await story.prepare()
    try {
      const log = join(scene.one.home, 'steps')
      const how = fault ? faulty(log, at, fault) : stepwise(log, at)
      const result = await story.verb(scene, how)
      const said = `${at}, ${step}\n${result.stderr}`
      expect(stepsIn(log).slice(0, at), said).toEqual(steps.slice(0, at))
      if (!fault) expect(result.signal, said).toBe('SIGKILL')
      return await within(story.left(scene, result), said)
    } finally {
      await scene.close()
    }
  })
  let last = ''
  const lines = steps.map((step, index) => {
    last = found[index] ?? last
    return fault && found[index] === undefined ? '' : `${last.padEnd(36)}${step}\n`
  })
  return lines.join('')
}

export async function stepsOf<T extends Scene>({ prepare, verb }: Omit<Story<T>, 'left'>): Promise<string[]> {
  const scene = await prepare()
  try {
    const log = join(scene.one.home, 'steps')
    const { code, stderr } = await verb(scene, stepwise(log))
    expect(code, stderr).toBe(0)
    return stepsIn(log)
  } finally {
    await scene.close()
  }
}

async function within<R>(looking: Promise<R>, where: string): Promise<R> {
  try {
    return await looking
  } catch (error) {
    throw new Error(`killed in front of step ${where}`, { cause: error })
  }
}

/** A few at a time, for each is a process of its own. */
export async function fewAtATime<T, R>(
  items: readonly T[],
  work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item, index + 1)
  }
  await Promise.all([worker(), worker(), worker()])
  return results
}
