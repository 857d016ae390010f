import { DaypassError } from './errors.ts'

/** Store names of the configuration and `DAYPASS_STORE`, with the store of each. Atmos writes `system`. */
export const STORE_NAMES = {
  auto: 'auto',
  keychain: 'keychain',
  system: 'keychain',
  file: 'file',
  memory: 'memory',
} as const

export type StoreName = keyof typeof STORE_NAMES

/** Where the vault's key is. `auto`: in the keychain if there is one, else in a file; decided once. */
export type Store = (typeof STORE_NAMES)[StoreName]

/** Returns the store; the environment variable wins. Throws `usage` for an unknown name in it. */
export function chooseStore(variable: string | undefined, configured: StoreName = 'auto'): Store {
  const name = variable || configured
  if (Object.hasOwn(STORE_NAMES, name)) return STORE_NAMES[name as StoreName]
  throw new DaypassError('usage', 'DAYPASS_STORE is none of the stores there are', {
    hint: `DAYPASS_STORE is one of ${[...new Set(Object.values(STORE_NAMES))].join(', ')}`,
  })
}
