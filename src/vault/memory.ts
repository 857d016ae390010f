import { DaypassError } from '../core/errors.ts'
import { createNoRecordError } from './disk-error.ts'
import type { Store } from './store.ts'

interface Turn {
  purpose: string
  over: Promise<void>
}

/**
 * Creates a store that ends with the process. For tests, embedding programs and `DAYPASS_STORE=memory`.
 * `patience` is in milliseconds.
 */
export function memoryStore({ patience = 30_000 }: { patience?: number } = {}): Store {
  const texts = new Map<string, string>()
  const turns = new Map<string, Turn>()
  return {
    get: async (name) => texts.get(name),
    names: async () => [...texts.keys()].sort(),
    reserve: async (name) => createMemorySlot((text) => texts.set(name, text)),
    unfinished: async () => [],
    delete: async (name) => texts.delete(name),
    quarantine: async (name) => {
      const text = texts.get(name)
      if (text === undefined) throw createNoRecordError(name)
      texts.delete(name)
      return 'memory'
    },
    exclusive: async (name, purpose, work) => {
      const end = await takeTurn(turns, name, purpose, patience)
      try {
        return await work()
      } finally {
        end()
      }
    },
  }
}

function createMemorySlot(keep: (text: string) => void) {
  let used = false
  return {
    write: async (text: string) => {
      if (used) throw new Error('room already used')
      used = true
      keep(text)
    },
    release: async () => {
      used = true
    },
  }
}

/** Waits for the turn. There is no await between the last check and taking it, so only one waiter gets it. */
async function takeTurn(
  turns: Map<string, Turn>,
  name: string,
  purpose: string,
  patience: number,
): Promise<() => void> {
  const deadline = performance.now() + patience
  for (let held = turns.get(name); held !== undefined; held = turns.get(name)) {
    if (!(await hasEndedBefore(held.over, deadline))) {
      throw new DaypassError('lock', `another call (${held.purpose}) holds ${name}`, { hint: 'try again' })
    }
  }
  let end = () => {}
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  turns.set(name, { purpose, over })
  return () => {
    turns.delete(name)
    end()
  }
}

async function hasEndedBefore(over: Promise<void>, deadline: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()), false)
  })
  const ended = await Promise.race([over.then(() => true), late])
  clearTimeout(timer)
  return ended
}
