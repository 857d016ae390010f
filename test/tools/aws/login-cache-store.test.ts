/** The life of a shared login: logged in to again, by the same person or another, ended, removed, taken back. */
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { failureOf } from '../../client/client-context.ts'
import { type Cloud, keyIn, keyOf, loginOfTheirs, sharing } from '../cloud.ts'

const storeOf = async ({ daypass }: Cloud) => (await daypass().status('work')).row.store

test('the same person who logs in again shares the new login', async () => {
  const w = await sharing()
  const before = await keyOf(w)
  await w.logIn()
  expect(await storeOf(w)).toBe('aws-login-cache')
  expect(await keyOf(w)).not.toBe(before)
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
  w.cache.left(0)
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
  expect(w.aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 0 }, { renewals: 1 }] })
  expect(w.warned).toEqual([])
})

test('another person who logs in shares nothing, what was shared is gone, and the stale profile is told', async () => {
  const w = await sharing()
  w.aws.signInAs({ kind: 'role', role: 'Admin', session: 'bob' })
  await w.daypass().login('aws', { name: 'work', method: 'browser', force: true })
  expect(await storeOf(w)).toBe('file')
  expect(w.cache.there()).toBe(false)
  expect(w.warned).toEqual([
    'work is no longer shared with other tools, whose configuration still names arn:aws:iam::111122223333:user/ada; to share it again: daypass setup aws work --login-session',
  ])
  expect((await w.run('setup', 'aws', 'work', '--login-session')).code).toBe(0)
  expect(w.read('.aws/config')).toContain(
    'login_session = arn:aws:sts::111122223333:assumed-role/Admin/bob\n',
  )
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
})

test('a logout takes the file away, and the same person who logs in again shares again', async () => {
  const w = await sharing()
  expect((await w.run('logout', 'work')).code).toBe(0)
  expect(w.cache.there()).toBe(false)
  expect((await w.sdk('work')).code).toBe(1)
  await w.logIn()
  expect(await storeOf(w)).toBe('aws-login-cache')
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
})

test('after a logout, what another tool logs in to is its own: not ours to use, nor to remove', async () => {
  const w = await sharing()
  await w.run('logout', 'work')
  const theirs = await loginOfTheirs(w)
  expect(await failureOf(keyOf(w))).toMatchObject({ code: 'login_required' })
  expect((await w.run('remove', 'work', '--yes')).code).toBe(0)
  expect(keyIn(await w.sdk('work'))).toBe(theirs)
})

test('removed, it is gone from the cache, too, and the profile that is left can be undone', async () => {
  const w = await sharing()
  expect((await w.run('remove', 'work', '--yes')).code).toBe(0)
  expect(w.cache.there()).toBe(false)
  expect(await w.run('setup', 'aws', 'work', '--undo')).toMatchObject({ code: 0 })
  expect(existsSync(w.path('.aws/config'))).toBe(false)
})

test('undone, it is in the vault again and nowhere else, and goes on', async () => {
  const w = await sharing()
  w.cache.left(0)
  const key = keyIn(await w.sdk('work'))
  const { code, stderr } = await w.run('setup', 'aws', 'work', '--undo')
  expect([code, stderr]).toEqual([0, expect.stringContaining('The session of work is in the vault again')])
  expect(w.cache.there()).toBe(false)
  expect(await storeOf(w)).toBe('file')
  expect(await keyOf(w)).toBe(key)
  expect(await w.daypass().refresh('work', { force: true })).toMatchObject({ outcome: 'renewed' })
  expect(w.aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 2, reuses: 0 }] })
})

test('undone when it is over there, it is not shared by the next login', async () => {
  const w = await sharing()
  rmSync(w.cache.path)
  expect(await w.run('setup', 'aws', 'work', '--undo')).toMatchObject({ code: 0 })
  expect(await failureOf(keyOf(w))).toMatchObject({ code: 'login_required' })
  await w.logIn()
  expect(await storeOf(w)).toBe('file')
  expect(w.cache.there()).toBe(false)
})

test('of two profiles that share it, undoing one leaves it to the other', async () => {
  const w = await sharing()
  await w.run('setup', 'aws', 'work', '--login-session', '--as', 'second')
  expect((await w.run('setup', 'aws', '--undo', '--as', 'work')).stderr).toContain('stays shared')
  expect(keyIn(await w.sdk('second'))).toBe(await keyOf(w))
  await w.run('setup', 'aws', '--undo', '--as', 'second')
  expect([w.cache.there(), await storeOf(w)]).toEqual([false, 'file'])
})

test('a profile that changes to the other form takes the session with it', async () => {
  const w = await sharing()
  expect((await w.run('setup', 'aws', 'work')).stderr).toContain('is in the vault again')
  expect(w.read('.aws/config')).not.toContain('login_session')
  expect([w.cache.there(), await storeOf(w)]).toEqual([false, 'file'])
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
  await w.run('setup', 'aws', 'work', '--login-session')
  expect(w.read('.aws/config')).not.toContain('credential_process')
  expect([w.cache.there(), await storeOf(w)]).toEqual([true, 'aws-login-cache'])
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
})

test('half of a file is said with its name, left as it is, and a login to that name mends it', async () => {
  const w = await sharing()
  const half = '{"accessToken": {"accessKeyId": "AS'
  writeFileSync(w.cache.path, half)
  const { code, stderr } = await w.run('credential-process', 'work')
  expect([code, stderr]).toEqual([5, expect.stringContaining(`${w.cache.path} is damaged`)])
  const { problems } = await w.daypass().list()
  expect(problems).toMatchObject([{ name: 'work', problem: expect.stringContaining('is damaged') }])
  expect(w.aws.stats().by.refresh).toBeUndefined()
  await w.logIn()
  const [, aside = ''] = /it lies in (\S+) now/.exec(w.warned.join('\n')) ?? []
  expect(readFileSync(aside, 'utf8')).toBe(half)
  expect(keyIn(await w.sdk('work'))).toBe(await keyOf(w))
  expect(await storeOf(w)).toBe('aws-login-cache')
})

test('a link in the place of the file is refused, and nothing is written through it', async () => {
  const w = await sharing()
  const text = readFileSync(w.cache.path, 'utf8')
  renameSync(w.cache.path, w.path('elsewhere'))
  symlinkSync(w.path('elsewhere'), w.cache.path)
  expect(await w.run('credential-process', 'work')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('it is a symbolic link'),
  })
  expect(w.read('elsewhere')).toBe(text)
})

test('a file that others may read is closed to them', async () => {
  const w = await sharing()
  chmodSync(w.cache.path, 0o644)
  await keyOf(w)
  expect(w.cache.mode()).toBe(0o600)
})
