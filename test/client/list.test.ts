import { expect, test } from 'vitest'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { start } from '../testing/servers.ts'
import { world } from './client-context.ts'

test('a list looks at each record once, however many there are', async () => {
  const vault = createMemoryVault()
  const looked: string[] = []
  const list = () => {
    looked.push('all')
    return vault.list()
  }
  const header = (name: string) => {
    looked.push(name)
    return vault.header(name)
  }
  const w = await world({ server: await start(), vault: { ...vault, list, header } })
  await w.login()
  const entry = (await vault.read('work'))!
  for (const name of ['a', 'b', 'c']) await vault.write({ ...entry, header: { ...entry.header, name } })
  await w.daypass.use('work')
  looked.length = 0
  const { identities, problems } = await w.daypass.list()
  expect(identities.map(({ row }) => row.name)).toEqual(['a', 'b', 'c', 'work'])
  expect(identities.filter(({ row }) => row.default && row.active)).toHaveLength(1)
  expect(problems).toEqual([])
  // The active one again, to tell whether a token of the environment stands in for it.
  expect(looked).toEqual(['all', 'work'])
})
