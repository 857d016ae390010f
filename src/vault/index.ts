export type { KeyPlacement as Wanted, Keys } from './keys.ts'
export {
  createMemoryVault as memoryVault,
  createVault,
  type DiskVaultOptions,
  openDiskVault as diskVault,
} from './open-vault.ts'
export type { Slot, Store } from './store.ts'
export type { EntrySlot, ListedRecord as Listed, Vault } from './vault.ts'
