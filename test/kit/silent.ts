import type { Terminal } from '../../src/core/types.ts'

/** A terminal without a person, to whom nothing is said. */
export const SILENT: Terminal = {
  interactive: false,
  say: () => undefined,
  warn: () => undefined,
  busy: () => () => undefined,
  readSecret: async () => undefined,
  choose: async () => undefined,
  confirm: async () => false,
  ask: async () => '',
}
