/** The brake on logins that open by themselves, on a clock that a test moves. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { runTypedLogin, shareLogin } from '../../../src/cli/login/single-flight.ts'
import { DaypassError } from '../../../src/core/errors.ts'
import { scriptedTerminal, testClock } from '../../../src/testing/index.ts'
import { failure, folderOf } from '../../vault/support.ts'

const MINUTE = 60_000
const NEEDED = new DaypassError('login_required', 'work needs a login: it was logged out')
const UNANSWERED = new DaypassError('login_required', 'nobody finished the login within 5m', {
  hint: 'again',
  unanswered: true,
})
const CANCELLED = new DaypassError('cancelled', 'cancelled', { hint: 'again' })

/** A person who answers as told, and what is kept of it. */
function place(context: TestContext) {
  const stateDir = folderOf(context)
  const clock = testClock(Date.parse('2026-01-02T03:04:05Z'))
  const terminal = scriptedTerminal({ interactive: true })
  const host = { now: clock.now, sleep: clock.sleep, terminal } as never
  const world = {
    host,
    paths: { stateDir } as never,
    signal: new AbortController().signal,
    verb: 'exec',
    program: 'x',
  }
  let isLoggedIn = false
  const opened: string[] = []
  const work = async () => {
    if (isLoggedIn) return 'the token'
    throw NEEDED
  }
  const person = (error?: Error) => async () => {
    opened.push(new Date(clock.now()).toISOString().slice(11, 19))
    if (error) throw error
    isLoggedIn = true
  }
  return {
    ...{ stateDir, clock, terminal, world, opened, work, person },
    auto: (error?: Error) => shareLogin(world, 'work', work, person(error)),
    typed: (error?: Error) => runTypedLogin(world, 'work', person(error)),
    logOut: () => {
      isLoggedIn = false
    },
  }
}

test('after one that nobody answered the next waits a minute, then five, and then none opens', async (context) => {
  const { auto, clock, opened } = place(context)
  await failure(() => auto(UNANSWERED), 'login_required')
  clock.advance(MINUTE - 1500)
  const second = await failure(() => auto(), 'login_required')
  expect(second.message).toBe(
    'work needs a login, and nobody answered the last one; the next opens by itself in 2s',
  )
  expect(second.hint).toBe('daypass login work')
  clock.advance(1500)
  await failure(() => auto(CANCELLED), 'cancelled')
  clock.advance(5 * MINUTE - 1)
  expect((await failure(() => auto(), 'login_required')).message).toMatch(
    /nobody answered the last 2; .* in 1s$/,
  )
  clock.advance(1)
  await failure(() => auto(UNANSWERED), 'login_required')
  clock.advance(30 * 24 * 60 * MINUTE)
  expect((await failure(() => auto(), 'login_required')).message).toBe(
    'work needs a login, and nobody answered the last 3; no other opens by itself',
  )
  expect(opened).toEqual(['03:04:05', '03:05:05', '03:10:05'])
})

test('one that is answered begins anew, and so does one that is typed, answered or not', async (context) => {
  const { auto, typed, clock, opened, logOut, stateDir } = place(context)
  await failure(() => auto(UNANSWERED), 'login_required')
  clock.advance(MINUTE)
  expect(await auto()).toBe('the token')
  logOut()
  for (const _ of [1, 2, 3]) {
    await failure(() => auto(UNANSWERED), 'login_required')
    clock.advance(5 * MINUTE)
  }
  await failure(() => auto(), 'login_required')
  await failure(() => typed(UNANSWERED), 'login_required')
  expect(await auto()).toBe('the token')
  expect(opened).toHaveLength(7)
  expect(existsSync(join(stateDir, 'logins/work.json'))).toBe(false)
})

test.for([
  new DaypassError('network', 'cannot reach the server', { hint: 'again' }),
  new DaypassError('login_required', 'the server refused the token', { hint: 'again' }),
  new DaypassError('refused', 'consent was denied', { hint: 'again' }),
  new Error('a defect'),
])('what fails in another way is not counted: %s', async (error, context) => {
  const { auto } = place(context)
  await expect(auto(error)).rejects.toBe(error)
  expect(await auto()).toBe('the token')
})

test('a process that was killed left one unanswered; a clock that was set back makes nobody wait longer', async (context) => {
  const { auto, clock, stateDir } = place(context)
  mkdirSync(join(stateDir, 'logins'))
  const file = join(stateDir, 'logins/work.json')
  const left = (at: number) =>
    writeFileSync(file, JSON.stringify({ count: 1, at, underWay: true }), { mode: 0o600 })
  left(clock.now())
  expect((await failure(() => auto(), 'login_required')).message).toMatch(/in 1m$/)
  left(clock.now() + 3_600_000)
  await failure(() => auto(UNANSWERED), 'login_required')
  clock.advance(5 * MINUTE)
  expect(await auto()).toBe('the token')
})

test.for(['', '{}', '[]', '{"count":-1,"at":1}', '{"count":1e400,"at":1}', '{"count":2,"at":"x"}'])(
  'a damaged note holds nobody back: %s',
  async (text, context) => {
    const { auto, stateDir } = place(context)
    mkdirSync(join(stateDir, 'logins'))
    writeFileSync(join(stateDir, 'logins/work.json'), text)
    expect(await auto()).toBe('the token')
  },
)

test('where nothing can be written or locked, the person is asked all the same', async (context) => {
  const { auto, typed, stateDir } = place(context)
  writeFileSync(join(stateDir, 'logins'), 'in the way')
  await failure(() => auto(UNANSWERED), 'login_required')
  await typed()
  expect(await auto()).toBe('the token')
  expect(readFileSync(join(stateDir, 'logins'), 'utf8')).toBe('in the way')
})

test('each identity has a turn of its own', async (context) => {
  const { world, work, person, auto } = place(context)
  await failure(() => auto(UNANSWERED), 'login_required')
  expect(await shareLogin(world, 'Work', work, person())).toBe('the token')
})
