/** The limit of a request whose process does not run all the time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDeadline } from '../../src/oauth/deadline.ts'

let now = 0
let clocks: { due: number; ring: AbortController }[] = []

beforeEach(() => {
  now = 0
  clocks = []
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    const ring = new AbortController()
    clocks.push({ due: now + milliseconds, ring })
    return ring.signal
  })
})
afterEach(() => void vi.restoreAllMocks())

/** It runs again; whatever was due meanwhile comes at once. */
function goOnAt(time: number): void {
  now = time
  const due = clocks.filter((clock) => clock.due <= now)
  clocks = clocks.filter((clock) => clock.due > now)
  for (const { ring } of due) ring.abort(new DOMException('the time is over', 'TimeoutError'))
}

test('a request is cut off when its time is over', () => {
  const signal = createDeadline({ now: () => now }, 15_000)
  goOnAt(14_999)
  expect(signal.aborted).toBe(false)
  goOnAt(15_010)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

test('one whose process stood still meanwhile has a moment to read what came, and no more', () => {
  const signal = createDeadline({ now: () => now }, 15_000)
  goOnAt(60_000)
  expect(signal.aborted).toBe(false)
  goOnAt(60_999)
  expect(signal.aborted).toBe(false)
  goOnAt(61_010)
  expect(signal.aborted).toBe(true)
})

test('standing still again gives another moment', () => {
  const signal = createDeadline({ now: () => now }, 15_000)
  goOnAt(60_000)
  goOnAt(3_600_000)
  expect(signal.aborted).toBe(false)
})
