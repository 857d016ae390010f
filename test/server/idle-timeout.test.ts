/** How long an address of ours stays. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createIdleTimeout } from '../../src/server/idle-timeout.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Time passes; whether it is over then. */
async function isOver(over: Promise<void>, after: number): Promise<boolean> {
  let ended = false
  void over.then(() => {
    ended = true
  })
  await vi.advanceTimersByTimeAsync(after)
  return ended
}

test('without a limit it never ends by itself', async () => {
  const ending = new AbortController()
  const { over, onAsked, onAnswered } = createIdleTimeout(ending.signal, undefined)
  onAsked()
  onAnswered()
  expect(await isOver(over, 2 ** 31)).toBe(false)
  ending.abort()
  expect(await isOver(over, 0)).toBe(true)
  expect(await isOver(createIdleTimeout(ending.signal, undefined).over, 0)).toBe(true)
})

test('it ends when there was no request for so long', async () => {
  const { over, onAsked, onAnswered } = createIdleTimeout(new AbortController().signal, 1000)
  expect(await isOver(over, 900)).toBe(false)
  onAsked()
  onAnswered()
  expect(await isOver(over, 900)).toBe(false)
  expect(await isOver(over, 100)).toBe(true)
})

test('a request that is not answered yet counts as activity', async () => {
  const { over, onAsked, onAnswered } = createIdleTimeout(new AbortController().signal, 1000)
  onAsked()
  onAsked()
  expect(await isOver(over, 5000)).toBe(false)
  onAnswered()
  expect(await isOver(over, 5000)).toBe(false)
  onAnswered()
  expect(await isOver(over, 999)).toBe(false)
  expect(await isOver(over, 1)).toBe(true)
})
