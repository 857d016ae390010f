import { DaypassError, isDaypassError } from '../core/errors.ts'
import { isIdentityName } from '../core/names.ts'
import { type Report, readOwnFile } from './read-file.ts'

/** `state.json`, next to the vault: the choice of `use`. */
export interface State {
  default?: string
}

/** Reads the state. A missing file is an empty state; a damaged one is an error, not "no default". */
export function readState(path: string, report?: Report): State {
  const text = readTrusted(path, report)
  if (text === undefined) return {}
  const said = parseState(text)
  const chosen = said?.default
  if (said !== undefined && chosen === undefined) return {}
  if (typeof chosen === 'string' && isIdentityName(chosen)) return { default: chosen }
  throw new DaypassError('vault', `${path} is damaged`, {
    hint: (command) => `remove it, then: ${command({ verb: 'use', identity: '<identity>' })}`,
  })
}

/** Ignores a file that another user could have written; the next `use` writes it again. */
function readTrusted(path: string, report?: Report): string | undefined {
  try {
    return readOwnFile(path, report)
  } catch (error) {
    if (!isDaypassError(error, 'refused')) throw error
    report?.(`${path} is ignored: ${error.message}`)
    return undefined
  }
}

export async function writeState(path: string, state: State): Promise<void> {
  const { removeDurably, writeFileDurably } = await import('./atomic.ts')
  // Deleting needs no space, so a logout removes the default even on a full disk.
  if (state.default === undefined) removeDurably(path)
  else writeFileDurably(path, `${JSON.stringify(state)}\n`)
}

function parseState(text: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(text)
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? { ...said } : undefined
  } catch {
    return undefined
  }
}
