/** A credential in memory: who is asked for a new one, when, and how often. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential } from '../../src/core/types.ts'
import { keepCredentialLive } from '../../src/server/live-credential.ts'

const MINUTE = 60_000
const LIFE = 15 * MINUTE
const MARGIN = 5 * MINUTE

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

/** A vault of one record, whose credentials are numbered. */
function vault() {
  let number = 0
  let stamp = ''
  let issuedAt = 0
  let failure: DaypassError | undefined
  let takes = 0
  let gate: Promise<void> | undefined
  const renew = () => {
    number += 1
    issuedAt = Date.now()
    stamp = `${number}`
  }
  const take = async () => {
    takes += 1
    const before = failure
    await gate
    if (before) throw before
    if (number === 0 || issuedAt + LIFE - Date.now() <= MARGIN) renew()
    const token = new Secret(`token-${number}`)
    const credential: BearerCredential = {
      kind: 'bearer',
      token,
      tokenType: 'bearer',
      issuedAt,
      expiresAt: issuedAt + LIFE,
    }
    return { credential, clockOffset: 0, renewable: true }
  }
  const live = keepCredentialLive({ take, stamp: () => stamp, margin: MARGIN, now: Date.now })
  onTestFinished(live.close)
  const ask = async () => {
    // A request of its own, which the event loop has found.
    await new Promise(setImmediate)
    const { credential } = await live.current()
    return (credential as BearerCredential).token.reveal()
  }
  const fail = (error: DaypassError | undefined, isWritten = true) => {
    failure = error
    if (isWritten) stamp = `${stamp}!`
  }
  const hold = () => {
    let open: () => void = () => undefined
    gate = new Promise((resolve) => {
      open = resolve
    })
    return () => {
      gate = undefined
      open()
    }
  }
  return { ask, fail, hold, renew, live, takes: () => takes }
}

const OVER = new DaypassError('login_required', 'work needs a login', { hint: 'daypass login work' })
const DOWN = new DaypassError('network', 'cannot reach it')

test('it is answered from memory while nothing changes', async () => {
  const { ask, takes } = vault()
  expect(await ask()).toBe('token-1')
  await ask()
  const before = takes()
  for (let round = 0; round < 100; round++) expect(await ask()).toBe('token-1')
  expect(takes()).toBe(before)
})

test('it is renewed ahead of its end without a request', async () => {
  const { ask, takes } = vault()
  await ask()
  await ask()
  const before = takes()
  await vi.advanceTimersByTimeAsync(LIFE - MARGIN - 1000)
  expect(takes()).toBe(before)
  await vi.advanceTimersByTimeAsync(2000)
  expect(takes()).toBe(before + 1)
  expect(await ask()).toBe('token-2')
  await vi.advanceTimersByTimeAsync(10 * LIFE)
  expect(Number((await ask()).split('-')[1])).toBeGreaterThan(10)
})

test('however many ask at its end, one renewal', async () => {
  const { ask, takes, hold } = vault()
  await ask()
  await ask()
  vi.setSystemTime(Date.now() + 2 * LIFE)
  const before = takes()
  const open = hold()
  const all = Array.from({ length: 50 }, ask)
  open()
  expect(new Set(await Promise.all(all))).toEqual(new Set(['token-2']))
  // Another one may read what the first one has written.
  expect(takes()).toBeLessThanOrEqual(before + 2)
})

test('what was logged out is not handed out from then on, nor by a reading that began before', async () => {
  const { ask, fail, hold } = vault()
  await ask()
  await ask()
  fail(OVER)
  await expect(ask()).rejects.toBe(OVER)
  fail(undefined)
  expect(await ask()).toBe('token-1')
  vi.setSystemTime(Date.now() + 2 * LIFE)
  const open = hold()
  const early = ask()
  fail(OVER)
  const late = ask()
  const both = Promise.allSettled([early, late])
  open()
  expect(await both).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
})

test('what another process renewed is handed out', async () => {
  const { ask, renew } = vault()
  await ask()
  renew()
  expect(await ask()).toBe('token-2')
})

test('what is good for a while outlives a network that is down, and a login that is over not', async () => {
  const { ask, fail, takes } = vault()
  await ask()
  await ask()
  fail(DOWN, false)
  await vi.advanceTimersByTimeAsync(LIFE - MARGIN + MINUTE)
  expect(await ask()).toBe('token-1')
  // It is tried now and then, not each time.
  const before = takes()
  for (let round = 0; round < 20; round++) await ask()
  expect(takes()).toBe(before)
  await vi.advanceTimersByTimeAsync(MARGIN)
  await expect(ask()).rejects.toBe(DOWN)
  fail(undefined, false)
  expect(await ask()).toBe('token-2')
  fail(OVER, false)
  await vi.advanceTimersByTimeAsync(LIFE - MARGIN + MINUTE)
  await expect(ask()).rejects.toBe(OVER)
})

test('closed, it waits for the renewal that has begun, and begins no other', async () => {
  const { ask, hold, live, takes } = vault()
  await ask()
  vi.setSystemTime(Date.now() + 2 * LIFE)
  const open = hold()
  const asked = ask()
  let isClosed = false
  const closing = live.close().then(() => {
    isClosed = true
  })
  await Promise.resolve()
  expect(isClosed).toBe(false)
  open()
  await Promise.all([asked, closing])
  const before = takes()
  await vi.advanceTimersByTimeAsync(10 * LIFE)
  expect(takes()).toBe(before)
})
