import { DaypassError } from './errors.ts'

/** Words for a store in the configuration and in `DAYPASS_STORE`, and the store that each means. Atmos writes `system`. */
export const STORE_NAMES = {
  auto: 'auto',
  keychain: 'keychain',
  system: 'keychain',
  file: 'file',
  memory: 'memory',
} as const

export type StoreName = keyof typeof STORE_NAMES

/** Where the key of the vault lies. `auto`: in the keychain where there is one, else in a file; decided once. */
export type Store = (typeof STORE_NAMES)[StoreName]

/** The environment's word counts for more than the configuration's. */
export function chooseStore(variable: string | undefined, configured: StoreName = 'auto'): Store {
  const name = variable || configured
  if (Object.hasOwn(STORE_NAMES, name)) return STORE_NAMES[name as StoreName]
  throw new DaypassError('usage', 'DAYPASS_STORE is none of the stores there are', {
    hint: `DAYPASS_STORE is one of ${[...new Set(Object.values(STORE_NAMES))].join(', ')}`,
  })
}
