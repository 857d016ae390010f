export type { KeyPlacement as Wanted, Keys } from './keys.ts'
export {
  createMemoryVault as memoryVault,
  createVault,
  type DiskVaultOptions,
  openDiskVault as diskVault,
} from './open-vault.ts'
export { deriveKeys, type RecordKeys } from './seal.ts'
export type { Slot, Store } from './store.ts'
export type { EntrySlot, ListedRecord as Listed, UsableEntry, Vault } from './vault.ts'
