import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskStore } from '../../src/vault/disk.ts'
import { createLockOpener } from '../../src/vault/lock-kinds.ts'
import { memoryStore } from '../../src/vault/memory.ts'
import { storeContract } from './store.contract.ts'

storeContract('memory', (patience) => ({
  store: memoryStore(patience === undefined ? {} : { patience }),
  done: () => {},
}))

for (const kind of ['native', 'sqlite'] as const) {
  if (createLockOpener(kind) === undefined) {
    console.warn(`NOT PROVEN HERE: the disk store with the ${kind} lock (Node ${process.version} has none)`)
    continue
  }
  storeContract(`disk, ${kind} lock`, (patience) => {
    const folder = mkdtempSync(join(tmpdir(), 'daypass-store-'))
    return {
      store: diskStore(join(folder, 'vault'), { patience, kinds: [kind] }),
      done: () => rmSync(folder, { recursive: true, force: true }),
    }
  })
}
