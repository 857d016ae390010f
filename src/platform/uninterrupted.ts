// A renewal spends a single-use token: between its request and the record on disk, nobody may end the process.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]

interface Postponement {
  running: number
  arrived: Signal | undefined
  restore(): void
}

let current: Postponement | undefined

/** Postpones the signals that end a process until the work is over, then lets the first of them take effect. */
export async function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  current ??= postpone()
  const mine = current
  mine.running += 1
  try {
    return await work()
  } finally {
    mine.running -= 1
    if (mine.running === 0) deliver(mine)
  }
}

/**
 * Listeners that others have are taken away meanwhile: one of them may end the process. There is always one, for with
 * the last one Node forgets a signal that is on its way.
 */
function postpone(): Postponement {
  const others = SIGNALS.map((signal) => [signal, process.rawListeners(signal)] as const)
  const remember = (signal: NodeJS.Signals) => {
    mine.arrived ??= signal as Signal
  }
  const mine: Postponement = {
    running: 0,
    arrived: undefined,
    restore() {
      for (const [signal, listeners] of others) {
        for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener)
        process.off(signal, remember)
      }
    },
  }
  for (const [signal, listeners] of others) {
    process.on(signal, remember)
    for (const listener of listeners) process.off(signal, listener as NodeJS.SignalsListener)
  }
  return mine
}

function deliver(mine: Postponement): void {
  current = undefined
  mine.restore()
  if (mine.arrived === undefined) return
  // On Windows `kill` would not ask the listeners.
  if (!process.emit(mine.arrived, mine.arrived)) process.kill(process.pid, mine.arrived)
}
