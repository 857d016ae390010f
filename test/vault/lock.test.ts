import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyLocation } from '../../src/core/types.ts'
import { createLockOpener, type LockKind } from '../../src/vault/lock-kinds.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { bundleWorker } from './bundle.ts'
import { entryOf } from './records.ts'
import { folderOf, skipLoudly, start, until } from './support.ts'

let worker = ''
beforeAll(async () => {
  worker = await bundleWorker()
})
afterAll(() => fs.rmSync(dirname(worker), { recursive: true, force: true }))

const run = (args: string[], env: Record<string, string> = {}) =>
  start(process.execPath, [worker, ...args], env)
const kinds: LockKind[] = ['native', 'sqlite']

/** Each process by its turn native or sqlite, as `mix` says. */
async function count(folder: string, total: number, dying: number, mix: LockKind[], hold = 10) {
  fs.writeFileSync(join(folder, 'count'), '0')
  const began = performance.now()
  const all = await Promise.all(
    Array.from({ length: total }, (_, i) => {
      const fate = i % 6 === 5 && i / 6 < dying ? 'die' : 'live'
      return run(['count', folder, fate, String(hold)], { LOCK_KIND: mix[i % mix.length]! }).ended
    }),
  )
  return {
    counted: Number(fs.readFileSync(join(folder, 'count'), 'utf8')),
    killed: all.filter(({ signal }) => signal === 'SIGKILL').length,
    failed: all.filter(({ signal, code }) => signal === null && code !== 0).map(({ out, err }) => out + err),
    noise: all.map(({ err }) => err).join(''),
    ms: performance.now() - began,
  }
}

describe.each(kinds)('the %s lock', (kind) => {
  const there = createLockOpener(kind) !== undefined

  test('24 processes count, 4 of them are killed while holding: exactly 20', async (context) => {
    if (!there) skipLoudly(context, `the ${kind} lock (Node ${process.version} has none)`)
    const answer = await count(folderOf(context), 24, 4, [kind])
    expect(answer).toMatchObject({ counted: 20, killed: 4, failed: [], noise: '' })
  })

  test('a stopped holder keeps its lock; a waiting process is told its pid; after it goes on all is well', async (context) => {
    if (!there) skipLoudly(context, `the ${kind} lock (Node ${process.version} has none)`)
    const folder = folderOf(context)
    const holder = run(['hold', folder, '1000'], { LOCK_KIND: kind })
    await until(() => holder.said.out.includes('holding'))
    holder.child.kill('SIGSTOP')
    const waiters = await Promise.all(
      [1, 2, 3].map(() => run(['hold', folder, '1'], { LOCK_KIND: kind, PATIENCE: '300' }).ended),
    )
    for (const waiter of waiters) {
      const error = JSON.parse(waiter.out)
      expect(error.code).toBe('lock')
      expect(error.message).toContain(`another daypass (pid ${holder.child.pid}, refresh, for`)
      expect(error.hint).toContain(`kill ${holder.child.pid}`)
    }
    const patient = run(['hold', folder, '1'], { LOCK_KIND: kind })
    holder.child.kill('SIGCONT')
    expect((await holder.ended).code).toBe(0)
    expect((await patient.ended).code).toBe(0)
    expect(fs.readdirSync(join(folder, 'locks'))).toEqual(['held.lock'])
  })

  test('a killed holder frees the lock at once', async (context) => {
    if (!there) skipLoudly(context, `the ${kind} lock (Node ${process.version} has none)`)
    const folder = folderOf(context)
    const holder = run(['hold', folder, '60000'], { LOCK_KIND: kind })
    await until(() => holder.said.out.includes('holding'))
    holder.child.kill('SIGKILL')
    await holder.ended
    const vault = openDiskVault(folder, { kinds: [kind], patience: 0 })
    expect(await vault.exclusive('held', 'refresh', async () => 'mine')).toBe('mine')
  })

  test('the lock file stays empty, and 0600', async (context) => {
    if (!there) skipLoudly(context, `the ${kind} lock (Node ${process.version} has none)`)
    const folder = folderOf(context)
    const lock = join(folder, 'locks', 'held.lock')
    await openDiskVault(folder, { kinds: [kind] }).exclusive('held', 'refresh', async () => {
      expect(fs.statSync(lock)).toMatchObject({ size: 0, mode: 0o100600 })
      const holder = join(folder, 'locks', 'held.holder')
      expect(fs.statSync(holder).mode).toBe(0o100600)
      expect(JSON.parse(fs.readFileSync(holder, 'utf8'))).toMatchObject({
        pid: process.pid,
        purpose: 'refresh',
      })
    })
    expect(fs.statSync(lock)).toMatchObject({ size: 0, mode: 0o100600 })
  })
})

test('the native and the sqlite lock exclude each other', async (context) => {
  if (createLockOpener('sqlite') === undefined)
    skipLoudly(context, `native against sqlite (Node ${process.version} has no sqlite)`)
  if (process.platform === 'darwin') skipLoudly(context, 'native against sqlite (flock knows no SQLite)')
  const answer = await count(folderOf(context), 24, 4, ['native', 'sqlite'])
  expect(answer).toMatchObject({ counted: 20, killed: 4, failed: [], noise: '' })
})

test('no lock at all: refuses and says what to install', async (context) => {
  const folder = folderOf(context)
  const { out } = await start(process.execPath, [worker, 'hold', folder, '1'], { LOCK_KIND: 'none' }).ended
  expect(JSON.parse(out)).toMatchObject({
    code: 'lock',
    hint: expect.stringContaining('npm install fs-native-extensions'),
  })
})

test('processes that make a vault at once make one key, and all can read', async (context) => {
  const folder = join(folderOf(context), 'vault')
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const made = await Promise.all(names.map((name) => run(['write', folder, name]).ended))
  const keys = made.map(({ out }) => (JSON.parse(out) as KeyLocation).id)
  expect(new Set(keys).size).toBe(1)
  expect(fs.readdirSync(folder).filter((file) => file.startsWith('key-'))).toEqual([`key-${keys[0]}`])
  for (const name of names) {
    expect((await run(['read', folder, name]).ended).out.trim()).toBe('"access-token-of-the-test"')
  }
})

test('a warm read loads no promises, no sqlite, no http, no lock', async (context) => {
  const folder = folderOf(context)
  await openDiskVault(folder, { wanted: 'file' }).write(entryOf('work'))
  const { token, loaded } = JSON.parse((await run(['warm', folder]).ended).out)
  expect(token).toBe('access-token-of-the-test')
  const bare = 'require("fs").writeSync(1, JSON.stringify(process.moduleLoadList))'
  const own = new Set<string>(JSON.parse((await start(process.execPath, ['-e', bare]).ended).out))
  const heavy = /sqlite|http|fs\/promises|undici|child_process|net$/
  expect((loaded as string[]).filter((name) => heavy.test(name) && !own.has(name))).toEqual([])
})

test('a written record is on the disk: synced before it is renamed, its folder after', async (context) => {
  const folder = join(folderOf(context), 'vault')
  const trace = join(dirname(folder), 'trace')
  const flags = [
    '-f',
    '-y',
    '-o',
    trace,
    '-e',
    'trace=fsync,rename,renameat,renameat2,ftruncate,write,pwrite64',
  ]
  const traced = await start('strace', [
    ...flags,
    process.execPath,
    worker,
    'write',
    folder,
    'work',
  ]).ended.catch(() => skipLoudly(context, 'the order of syncs (strace is not installed)'))
  if (traced.code !== 0) skipLoudly(context, `the order of syncs (strace: ${traced.err.trim()})`)
  const deeds = fs
    .readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder))
  const short = deeds.map((line) =>
    line
      .replace(/^\d+ +/, '')
      .replaceAll(folder, 'V')
      .replace(/\.tmp-[^>"]*/g, 'TMP'),
  )
  const last = short.slice(-6).map((line) => line.replace(/^(\w+)\(\d*(<[^>]*>)?.*$/, '$1$2'))
  expect(last.join(' ')).toMatch(
    /fsync<V\/TMP> p?write(64)?<V\/TMP> ftruncate<V\/TMP> fsync<V\/TMP> rename\w* fsync<V>$/,
  )
})
