export interface IdleTimeout {
  over: Promise<void>
  onAsked(): void
  onAnswered(): void
}

/** Milliseconds. A timer with a longer delay fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Ends on the signal, or after `idle` milliseconds without a request or a pending answer. */
export function createIdleTimeout(signal: AbortSignal, idle: number | undefined): IdleTimeout {
  let end: () => void = () => undefined
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  if (idle === undefined) return { over, onAsked: () => undefined, onAnswered: () => undefined }
  let waiting = 0
  const timer = setTimeout(() => waiting === 0 && end(), Math.min(idle, LONGEST_TIMER)).unref()
  return {
    over,
    onAsked() {
      waiting += 1
    },
    onAnswered() {
      waiting -= 1
      timer.refresh()
    },
  }
}
