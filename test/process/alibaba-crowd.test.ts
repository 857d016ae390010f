/** Many processes and one login to Alibaba Cloud: a refresh token that comes twice would end it for all of them. */
import { expect, onTestFinished, test } from 'vitest'
import { signedIn, stale } from './alibaba-data-dir.ts'
import { crowd, distinct } from './aws-data-dir.ts'

const MINUTE = 60_000

test.each([
  ['both requests', 5 * MINUTE, 1],
  ['the exchange alone', 50 * MINUTE, 0],
])('twenty processes make %s once, and all have the same keys', async (_, access, refreshes) => {
  const { one, ali, close } = await signedIn()
  onTestFinished(close)
  await stale(one, access)
  const results = await crowd(one, 20, () => 'credential-process work')
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(1)
  expect(ali.stats()).toMatchObject({
    by: { exchange: 2, ...(refreshes > 0 && { refresh: refreshes }) },
    families: [{ refreshes, reuses: 0, ended: false }],
  })
})

test('a stale role and its stale login are made once, however many processes ask for either', async () => {
  const { one, ali, close } = await signedIn()
  onTestFinished(close)
  await stale(one, 5 * MINUTE)
  const results = await crowd(one, 12, (index) => `credential-process ${index % 2 ? 'admin' : 'work'}`)
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(2)
  expect(ali.stats()).toMatchObject({ by: { refresh: 1, exchange: 2, AssumeRole: 1 } })
})
