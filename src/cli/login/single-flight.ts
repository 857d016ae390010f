/** Several processes that need the same person at once: one login opens, and the others wait for it. */
import { join } from 'node:path'
import { isDaypassError } from '../../core/errors.ts'
import { encodeName } from '../../vault/file-name.ts'
import { type Holder, tryHold } from '../../vault/lock.ts'
import type { World } from '../output/result.ts'
import { checkPause, readUnanswered, type Unanswered, writeUnanswered } from './backoff.ts'

/** How often those who wait look whether they still have to, in milliseconds. */
const PAUSE = 500

type Place = Pick<World, 'host' | 'paths' | 'signal' | 'verb' | 'program'>

const fileOf = ({ paths }: Place, name: string, ending: string) =>
  join(paths.stateDir, 'logins', `${encodeName(name)}.${ending}`)

/**
 * The result of `work`, which wants a login of `name`: after ours, or somebody else's. Throws `login_required` where too
 * many were not answered.
 */
export async function afterOneLogin<T>(
  world: Place,
  name: string,
  work: () => Promise<T>,
  logIn: () => Promise<unknown>,
): Promise<T> {
  const waiting = waitingWords(world, name)
  try {
    for (let waited = false; ; waited = true) {
      const turn = tryTurn(world, name)
      if (!('holder' in turn)) {
        waiting.stop()
        return await inTurn({ world, name, waited, work, logIn }).finally(turn.release)
      }
      waiting.say(turn.holder)
      await world.host.sleep(PAUSE, world.signal)
      // Kept by whoever has the turn, or by somebody who typed it.
      const done = await unlessNeeded(work)
      if (done) return done.result
    }
  } finally {
    waiting.stop()
  }
}

/** A person who types it waits for nobody, and is asked whatever was not answered before. */
export async function typedLogin<T>(world: Place, name: string, logIn: () => Promise<T>): Promise<T> {
  writeUnanswered(fileOf(world, name, 'json'), { count: 0, at: 0 })
  const turn = tryTurn(world, name)
  if (!('holder' in turn)) return logIn().finally(turn.release)
  world.host.terminal.say(`${name} is being logged in by ${processWords(turn.holder)}, too.`)
  return logIn()
}

/** Where nothing can be locked, everybody has their turn. */
function tryTurn(world: Place, name: string): ReturnType<typeof tryHold> {
  const purpose = ['daypass', world.verb, ...(world.program === undefined ? [] : ['…'])].join(' ')
  try {
    return tryHold(fileOf(world, name, 'lock'), purpose)
  } catch {
    return { release: () => undefined }
  }
}

interface Turn<T> {
  world: Place
  name: string
  /** Another login of the same identity was waited for. */
  waited: boolean
  work: () => Promise<T>
  logIn: () => Promise<unknown>
}

async function inTurn<T>({ world, name, waited, work, logIn }: Turn<T>): Promise<T> {
  const done = await unlessNeeded(work)
  if (done) return done.result
  const path = fileOf(world, name, 'json')
  const before = readUnanswered(path)
  const { now } = world.host
  checkPause(before, now(), name, waited)
  const count = before.count + 1
  // Whoever kills us leaves it unanswered.
  writeUnanswered(path, { count, at: now(), underWay: true })
  let after: Unanswered = before
  try {
    await logIn()
    after = { count: 0, at: 0 }
  } catch (error) {
    if (isDaypassError(error) && (error.unanswered || error.code === 'cancelled'))
      after = { count, at: now() }
    throw error
  } finally {
    writeUnanswered(path, after)
  }
  return work()
}

async function unlessNeeded<T>(work: () => Promise<T>): Promise<{ result: T } | undefined> {
  try {
    return { result: await work() }
  } catch (error) {
    if (isDaypassError(error, 'login_required')) return undefined
    throw error
  }
}

/** Once for each whom we wait for. */
function waitingWords({ host }: Place, name: string) {
  let told: number | undefined
  let stop: (() => void) | undefined
  return {
    say(holder: Holder | undefined) {
      const pid = holder?.pid ?? 0
      if (pid === told || (told !== undefined && pid === 0)) return
      told = pid
      host.terminal.say(`${name} is being logged in by ${processWords(holder)}; waiting for that.`)
      stop ??= host.terminal.busy('Waiting for the login')
    },
    stop: () => stop?.(),
  }
}

const processWords = (holder: Holder | undefined) =>
  holder === undefined ? 'another process' : `process ${holder.pid} (${holder.purpose})`
