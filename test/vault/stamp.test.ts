/** What whoever keeps a credential in memory looks at each time. */
import { expect, test } from 'vitest'
import type { Header } from '../../src/core/types.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { createStampReader } from '../../src/vault/stamp.ts'
import { entryOf } from './records.ts'
import { folderOf } from './support.ts'

test('a record looks different after a renewal, a logout and a removal, and the same after a renewal in vain', async (context) => {
  const folder = folderOf(context)
  const vault = openDiskVault(folder, { wanted: 'file' })
  const entry = entryOf('Work')
  const look = createStampReader(folder, 'Work')
  const after = async (more: Partial<Header>) => {
    await vault.write({ ...entry, header: { ...entry.header, ...more } })
    return look()
  }
  expect(look()).toBe('')
  const first = await after({})
  expect(first).not.toBe('')
  expect(await after({})).toBe(first)
  const inVain = { lastRenewal: { beganAt: 1, failure: 'cannot reach it' }, unanswered: 1, lostRenewals: 1 }
  expect(await after(inVain)).toBe(first)
  expect(await after({ expiresAt: 2 })).not.toBe(first)
  expect(await after({ loginRequired: 'its logout began' })).not.toBe(first)
  await vault.write({ header: entry.header })
  expect(look()).not.toBe(first)
  await vault.remove('Work')
  expect(look()).toBe('')
})
