// A renewal spends a single-use token: between its request and the record on disk, nobody may end the process.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]

type Listeners = readonly NodeJS.SignalsListener[]

interface Postponement {
  running: number
  arrived: Signal | undefined
  /** Who hears them when it is over. */
  others: Map<string, Listeners>
  restore(): void
}

let current: Postponement | undefined

/** Postpones the signals that end a process until the work is over, then lets the first of them take effect. */
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
 * Listeners that others have are taken away meanwhile: one of them may end the process. There is always one, for with
 * the last one Node forgets a signal that is on its way.
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

/** Listeners that end nothing: what they hand on to another process is not postponed. */
const forwardingListeners = new WeakSet<NodeJS.SignalsListener>()

/** From now on it alone hears these signals, and hands them on. Returns what gives them back to who heard them before. */
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

/** At once, or when what is postponed is over. Returns who did until now. */
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
  // On Windows `kill` would not ask the listeners.
  if (!process.emit(mine.arrived, mine.arrived)) process.kill(process.pid, mine.arrived)
}
