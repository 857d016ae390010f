export type { Keys, Wanted } from './keys.ts'
export { createVault, type DiskVaultOptions, diskVault, memoryVault } from './open-vault.ts'
export type { Slot, Store } from './store.ts'
export type { EntrySlot, Listed, Vault } from './vault.ts'
