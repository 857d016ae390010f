/** What the process tests run, bundled as CommonJS: `node worker.cjs <deed> <folder> …`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDaypassError } from '../../src/core/errors.ts'
import type { KeyLocation } from '../../src/core/types.ts'
import { openKey } from '../../src/vault/keys.ts'
import type { LockKind } from '../../src/vault/lock-kinds.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { entryOf, tokenOf } from './records.ts'

const [, , deed = '', folder = '', ...rest] = process.argv
const env = process.env
const kinds = env.LOCK_KIND ? [env.LOCK_KIND as LockKind] : undefined
const patience = env.PATIENCE ? Number(env.PATIENCE) : undefined
const wanted = (env.WANTED ?? 'file') as 'auto' | 'file' | 'keychain'
const limit = env.LIMIT ? Number(env.LIMIT) : undefined
const vault = openDiskVault(folder, {
  wanted,
  kinds,
  patience,
  report: (message) => console.error(message),
  keychain: { limit, onSlow: () => console.error('slow') },
})
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const deeds: Record<string, () => Promise<unknown>> = {
  count: () =>
    vault.exclusive('counted', 'counting', async () => {
      const file = join(folder, 'count')
      const before = Number(readFileSync(file, 'utf8'))
      await sleep(Number(rest[1] ?? 10))
      if (rest[0] === 'die') process.kill(process.pid, 'SIGKILL')
      writeFileSync(file, String(before + 1))
    }),
  hold: () =>
    vault.exclusive('held', 'refresh', async () => {
      console.log('holding')
      await sleep(Number(rest[0]))
    }),
  write: async () => {
    await vault.write(entryOf(rest[0] ?? 'work'))
    return (await vault.header(rest[0] ?? 'work'))?.key
  },
  read: async () => tokenOf(await vault.read(rest[0] ?? 'work')),
  key: async () => (await openKey(folder, JSON.parse(rest[0] ?? '') as KeyLocation)).renew.length,
  warm: async () => ({ token: tokenOf(await vault.read('work')), loaded: loadedModules() }),
}

function loadedModules(): string[] {
  return (process as unknown as { moduleLoadList: string[] }).moduleLoadList
}

deeds[deed]!().then(
  (answer) => {
    if (answer !== undefined) console.log(JSON.stringify(answer))
    process.exit(0)
  },
  (error: unknown) => {
    const ours = isDaypassError(error)
    console.log(
      JSON.stringify(
        ours ? { code: error.code, message: error.message, hint: error.hint } : { crash: String(error) },
      ),
    )
    process.exit(5)
  },
)
