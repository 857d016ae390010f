/** Shares one login among processes that need the same person at once: one opens it, the others wait. */
import { join } from 'node:path'
import { isDaypassError } from '../../core/errors.ts'
import { encodeName } from '../../vault/file-name.ts'
import { type Holder, tryHold } from '../../vault/lock.ts'
import type { CommandContext } from '../output/result.ts'
import {
  checkLoginPause,
  readUnansweredLogins,
  type UnansweredLogins,
  writeUnansweredLogins,
} from './backoff.ts'

/** Milliseconds between two checks while waiting. */
const PAUSE = 500

type FlightContext = Pick<CommandContext, 'host' | 'paths' | 'signal' | 'verb' | 'program'>

const resolveLoginFile = ({ paths }: FlightContext, name: string, ending: string) =>
  join(paths.stateDir, 'logins', `${encodeName(name)}.${ending}`)

/**
 * Returns the result of `work`, which needs a login of `name`, after a login by this or another process.
 * Throws `login_required` where too many logins were not answered.
 */
export async function shareLogin<T>(
  world: FlightContext,
  name: string,
  work: () => Promise<T>,
  logIn: () => Promise<unknown>,
): Promise<T> {
  const waiting = createWaitingMessage(world, name)
  try {
    for (let waited = false; ; waited = true) {
      const turn = tryLoginLock(world, name)
      if (!('holder' in turn)) {
        waiting.stop()
        return await runUnderLoginLock({ world, name, waited, work, logIn }).finally(turn.release)
      }
      waiting.say(turn.holder)
      await world.host.sleep(PAUSE, world.signal)
      // The login was stored by the process that held the lock, or by a login that a person typed.
      const done = await tryWithoutLogin(work)
      if (done) return done.result
    }
  } finally {
    waiting.stop()
  }
}

/** Runs a login that a person typed. It never waits, and ignores unanswered logins. */
export async function runTypedLogin<T>(
  world: FlightContext,
  name: string,
  logIn: () => Promise<T>,
): Promise<T> {
  writeUnansweredLogins(resolveLoginFile(world, name, 'json'), { count: 0, at: 0 })
  const turn = tryLoginLock(world, name)
  if (!('holder' in turn)) return logIn().finally(turn.release)
  world.host.terminal.say(`${name} is being logged in by ${formatHolder(turn.holder)}, too.`)
  return logIn()
}

/** Takes the lock. Where locking is impossible, every process proceeds. */
function tryLoginLock(world: FlightContext, name: string): ReturnType<typeof tryHold> {
  const purpose = ['daypass', world.verb, ...(world.program === undefined ? [] : ['…'])].join(' ')
  try {
    return tryHold(resolveLoginFile(world, name, 'lock'), purpose)
  } catch {
    return { release: () => undefined }
  }
}

interface Turn<T> {
  world: FlightContext
  name: string
  /** This process waited for another login of the same identity. */
  waited: boolean
  work: () => Promise<T>
  logIn: () => Promise<unknown>
}

async function runUnderLoginLock<T>({ world, name, waited, work, logIn }: Turn<T>): Promise<T> {
  const done = await tryWithoutLogin(work)
  if (done) return done.result
  const path = resolveLoginFile(world, name, 'json')
  const before = readUnansweredLogins(path)
  const { now } = world.host
  checkLoginPause(before, now(), name, waited)
  const count = before.count + 1
  // If this process is killed, the login counts as unanswered.
  writeUnansweredLogins(path, { count, at: now(), underWay: true })
  let after: UnansweredLogins = before
  try {
    await logIn()
    after = { count: 0, at: 0 }
  } catch (error) {
    if (isDaypassError(error) && (error.unanswered || error.code === 'cancelled'))
      after = { count, at: now() }
    throw error
  } finally {
    writeUnansweredLogins(path, after)
  }
  return work()
}

async function tryWithoutLogin<T>(work: () => Promise<T>): Promise<{ result: T } | undefined> {
  try {
    return { result: await work() }
  } catch (error) {
    if (isDaypassError(error, 'login_required')) return undefined
    throw error
  }
}

/** Creates the message that tells once for each process that we wait for it. */
function createWaitingMessage({ host }: FlightContext, name: string) {
  let told: number | undefined
  let stop: (() => void) | undefined
  return {
    say(holder: Holder | undefined) {
      const pid = holder?.pid ?? 0
      if (pid === told || (told !== undefined && pid === 0)) return
      told = pid
      host.terminal.say(`${name} is being logged in by ${formatHolder(holder)}; waiting for that.`)
      stop ??= host.terminal.busy('Waiting for the login')
    },
    stop: () => stop?.(),
  }
}

const formatHolder = (holder: Holder | undefined) =>
  holder === undefined ? 'another process' : `process ${holder.pid} (${holder.purpose})`
