/** Many processes and one sign-in to AWS: whatever is stale is renewed once, links of a chain included. */
import { expect, test } from 'vitest'
import { vaultOf } from '../cli/story.ts'
import { askedOf, crowd, distinct, expectDone, signedIn, stale } from './aws-data-dir.ts'

test('twenty processes with one stale sign-in renew it once, and all get the same keys', async () => {
  const { one, aws } = await signedIn()
  await stale(one, 'work')
  const results = await crowd(one, 20, () => 'credential-process work')
  expect(distinct(results, 'stderr')).toEqual([''])
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(1)
  expect(JSON.parse(results[0]!.stdout)).toMatchObject({
    Version: 1,
    AccessKeyId: expect.stringMatching(/^ASIA/),
  })
  expect(aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 1, replays: 0, reuses: 0 }] })
})

test('twelve processes with one stale role make one request for it', async () => {
  const { one, aws } = await signedIn()
  await expectDone(one, 'credential-process admin')
  await stale(one, 'admin')
  const results = await crowd(one, 12, () => 'credential-process admin')
  expect(distinct(results, 'stderr')).toEqual([''])
  expect(distinct(results, 'stdout')).toHaveLength(1)
  expect(aws.stats().by.AssumeRole).toBe(2)
})

test('an unused chain is made once for twelve processes that begin at its ends', async () => {
  const { one, aws } = await signedIn()
  await stale(one, 'work')
  const results = await crowd(one, 12, (index) => `credential-process ${index % 2 ? 'audit' : 'admin'}`)
  expect(distinct(results, 'stderr')).toEqual([''])
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(2)
  expect(aws.stats().by.AssumeRole).toBe(2)
  expect(aws.stats().sessions).toMatchObject([{ renewals: 1, replays: 0, reuses: 0 }])
})

test('two logins of one principal are two sessions, and live side by side', async () => {
  const { one, aws } = await signedIn()
  await expectDone(one, 'login aws other')
  await stale(one, 'work')
  await stale(one, 'other')
  const results = await crowd(one, 8, (index) => `credential-process ${index % 2 ? 'work' : 'other'}`)
  expect(distinct(results, 'code')).toEqual([0])
  expect(distinct(results, 'stdout')).toHaveLength(2)
  expect(aws.stats().sessions).toMatchObject([
    { renewals: 1, reuses: 0 },
    { renewals: 1, reuses: 0 },
  ])
  await expectDone(one, 'logout work')
  expect((await one.run(['credential-process', 'other'])).code).toBe(0)
})

test('a logout waits for a role that is being made, and nothing of it is left', async () => {
  const { one, aws } = await signedIn()
  aws.failNext({ door: 'AssumeRole', delay: 800 })
  const role = one.start(['credential-process', 'admin'])
  await askedOf(aws, 'AssumeRole', 1)
  const logout = await one.run(['logout', 'work'], { timeout: 20_000 })
  expect(logout).toMatchObject({ code: 0 })
  expect(await role.ended).toMatchObject({ code: 0, stderr: '' })
  expect((await vaultOf(one).read('admin'))?.grant).toBeUndefined()
  expect((await one.run(['credential-process', 'admin'])).code).toBe(4)
})

test('a logout among many processes that make roles ends them all, and no process waits for ever', async () => {
  const { one } = await signedIn()
  const results = await crowd(one, 16, (index) =>
    index === 8 ? 'logout work' : `refresh ${index % 2 ? 'audit' : 'admin'} --force`,
  )
  for (const { code, stderr } of results) expect([0, 4], stderr).toContain(code)
  expect(results[8]).toMatchObject({ code: 0 })
  for (const name of ['work', 'admin', 'audit']) {
    expect((await one.run(['credential-process', name])).code).toBe(4)
  }
})
