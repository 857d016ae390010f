// A renewal spends a single-use token: between its request and the record on disk the process must not end.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]

type Listeners = readonly NodeJS.SignalsListener[]

interface Postponement {
  running: number
  arrived: Signal | undefined
  /** Listeners of other code, called when the work is over. */
  others: Map<string, Listeners>
  restore(): void
}

let current: Postponement | undefined

/** Postpones signals that end a process until the work is over. Then the first of them takes effect. */
export async function deferSignals<T>(work: () => Promise<T>): Promise<T> {
  current ??= postponeSignals()
  const mine = current
  mine.running += 1
  try {
    return await work()
  } finally {
    mine.running -= 1
    if (mine.running === 0) deliverDeferred(mine)
  }
}

/**
 * Removes the other listeners meanwhile, because one may end the process. Keeps one listener installed: Node
 * drops a pending signal when the last listener is removed.
 */
function postponeSignals(): Postponement {
  const rememberSignal = (signal: NodeJS.Signals) => {
    const others = mine.others.get(signal) ?? []
    const passing = others.filter((listener) => forwardingListeners.has(listener))
    if (passing.length === 0) mine.arrived ??= signal as Signal
    for (const listener of passing) listener(signal)
  }
  const mine: Postponement = {
    running: 0,
    arrived: undefined,
    others: new Map(SIGNALS.map((signal) => [signal, replaceListeners(signal, [rememberSignal])])),
    restore() {
      for (const [signal, listeners] of mine.others) {
        for (const listener of listeners) process.on(signal, listener)
        process.off(signal, rememberSignal)
      }
    },
  }
  return mine
}

/** Listeners that end nothing. The signals that they forward to another process are not postponed. */
const forwardingListeners = new WeakSet<NodeJS.SignalsListener>()

/** Makes `listener` the only one for these signals. Returns a function that restores the others. */
export function forwardSignals(
  signals: readonly NodeJS.Signals[],
  listener: NodeJS.SignalsListener,
): () => void {
  forwardingListeners.add(listener)
  const before = signals.map((signal) => [signal, redirectSignal(signal, [listener])] as const)
  return () => {
    for (const [signal, listeners] of before) redirectSignal(signal, listeners)
  }
}

/** Replaces the listeners, now or after a postponement. Returns those that were replaced. */
function redirectSignal(signal: NodeJS.Signals, listeners: Listeners): Listeners {
  const aside = current?.others.get(signal)
  if (!aside) return replaceListeners(signal, listeners)
  current!.others.set(signal, listeners)
  return aside
}

function replaceListeners(signal: NodeJS.Signals, listeners: Listeners): Listeners {
  const before = process.rawListeners(signal) as NodeJS.SignalsListener[]
  for (const listener of listeners) process.on(signal, listener)
  for (const listener of before) process.off(signal, listener)
  return before
}

function deliverDeferred(mine: Postponement): void {
  current = undefined
  mine.restore()
  if (mine.arrived === undefined) return
  // On Windows `kill` would not call the listeners.
  if (!process.emit(mine.arrived, mine.arrived)) process.kill(process.pid, mine.arrived)
}
