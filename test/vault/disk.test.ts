import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reserveRoom, writeFileDurably } from '../../src/vault/atomic.ts'
import { diskStore } from '../../src/vault/disk.ts'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { readState, writeState } from '../../src/vault/state.ts'
import { entryOf, tokenOf } from './records.ts'
import { failure, folderOf, skipLoudly } from './support.ts'

const mode = (path: string) => fs.statSync(path).mode & 0o777
const put = async (folder: string, text: string) => (await diskStore(folder).reserve('work', 1)).write(text)
const temporary = (folder: string) => fs.readdirSync(folder).filter((file) => file.startsWith('.tmp-'))
const ROOT = process.getuid?.() === 0

test('files are 0600 and folders 0700 under any umask', async (context) => {
  const folder = join(folderOf(context), 'a', 'vault')
  const before = process.umask(0)
  context.onTestFinished(() => void process.umask(before))
  const vault = openDiskVault(folder, { wanted: 'file' })
  await vault.exclusive('work', 'login', () => vault.write(entryOf('work')))
  const all = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  expect(all.length).toBeGreaterThan(4)
  for (const file of all) {
    expect([file.name, mode(join(file.parentPath, file.name))]).toEqual([
      file.name,
      file.isDirectory() ? 0o700 : 0o600,
    ])
  }
  expect(mode(folder)).toBe(0o700)
})

test('looser permissions are mended and reported once', async (context) => {
  const folder = folderOf(context)
  const said: string[] = []
  const store = diskStore(folder, { report: (message) => said.push(message) })
  await put(folder, 'kept')
  const path = join(folder, 'work.grant')
  fs.chmodSync(path, 0o644)
  expect(await store.get('work')).toBe('kept')
  expect(mode(path)).toBe(0o600)
  fs.chmodSync(path, 0o644)
  await store.get('work')
  expect(said).toEqual([expect.stringContaining('0644')])
  expect(said[0]).toContain(path)
})

test('a folder that is open to others is closed at the next write', async (context) => {
  const folder = folderOf(context)
  fs.chmodSync(folder, 0o755)
  const said: string[] = []
  await (await diskStore(folder, { report: (message) => said.push(message) }).reserve('work', 1)).release()
  expect(mode(folder)).toBe(0o700)
  expect(said).toHaveLength(1)
})

test('a symbolic link in a record’s place is refused, also one that leads nowhere', async (context) => {
  const folder = folderOf(context)
  const store = diskStore(folder)
  fs.writeFileSync(join(folder, 'elsewhere'), 'text', { mode: 0o600 })
  for (const target of ['elsewhere', 'nowhere']) {
    fs.symlinkSync(target, join(folder, 'work.grant'))
    expect((await failure(() => store.get('work'), 'vault')).message).toContain('symbolic link')
    fs.unlinkSync(join(folder, 'work.grant'))
  }
})

test('a folder or a pipe in a record’s place is refused, and does not hang', async (context) => {
  const folder = folderOf(context)
  const path = join(folder, 'work.grant')
  execFileSync('mkfifo', [path])
  await failure(() => diskStore(folder).get('work'), 'vault')
  fs.unlinkSync(path)
  fs.mkdirSync(path)
  await failure(() => diskStore(folder).get('work'), 'vault')
})

test('a record of another user is refused', async (context) => {
  if (!ROOT) skipLoudly(context, 'a record of another user (only root can make one)')
  const folder = folderOf(context)
  await put(folder, 'kept')
  fs.chownSync(join(folder, 'work.grant'), 65534, 65534)
  const error = await failure(() => diskStore(folder).get('work'), 'refused')
  expect(error.message).toContain('another user')
})

test('a file larger than any record is refused unread', async (context) => {
  const folder = folderOf(context)
  await put(folder, '')
  for (const size of [2 ** 23 + 1, 2 ** 40]) {
    fs.truncateSync(join(folder, 'work.grant'), size)
    expect((await failure(() => diskStore(folder).get('work'), 'vault')).message).toContain('larger')
  }
})

test('a folder that may not be read is an error, never "nothing"', async (context) => {
  if (!ROOT) skipLoudly(context, 'an unreadable folder (the test lowers its own rights)')
  const folder = folderOf(context)
  await put(folder, 'kept')
  fs.chmodSync(folder, 0o000)
  const vault = openDiskVault(folder)
  process.seteuid?.(65534)
  try {
    await failure(() => diskStore(folder).get('work'), 'vault')
    await failure(() => diskStore(folder).names(), 'vault')
    await failure(() => vault.list(), 'vault')
    await failure(() => vault.header('work'), 'vault')
  } finally {
    process.seteuid?.(0)
  }
})

test('a folder that may not be written stops us before the deed', async (context) => {
  if (!ROOT) skipLoudly(context, 'a read-only folder (the test lowers its own rights)')
  const folder = folderOf(context)
  fs.chmodSync(folder, 0o555)
  process.seteuid?.(65534)
  try {
    const error = await failure(() => diskStore(folder).reserve('work', 10), 'vault')
    expect(error.message).toContain('permission denied')
    await failure(() => diskStore(join(folder, 'new')).reserve('work', 10), 'vault')
  } finally {
    process.seteuid?.(0)
  }
})

test('a full disk stops us before the deed, leaves nothing behind, and what was kept stays', async (context) => {
  const folder = folderOf(context)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    skipLoudly(context, `a full disk (mount: ${String((error as { stderr?: unknown }).stderr).trim()})`)
  }
  try {
    await put(folder, 'kept')
    fs.writeFileSync(join(folder, 'filler'), Buffer.alloc(40 * 1024))
    const error = await failure(() => diskStore(folder).reserve('work', 32 * 1024), 'vault')
    expect(error.message).toContain('disk is full')
    expect(temporary(folder)).toEqual([])
    const slot = await diskStore(folder).reserve('work', 8 * 1024)
    fs.appendFileSync(join(folder, 'filler'), Buffer.alloc(4 * 1024))
    await slot.write('x'.repeat(8 * 1024)) // the room was ours, so it does not matter who filled the rest
    expect(await diskStore(folder).get('work')).toHaveLength(8 * 1024)
    const short = await diskStore(folder).reserve('work', 1024)
    await failure(() => short.write('y'.repeat(60 * 1024)), 'vault')
    await short.release()
    expect(temporary(folder)).toEqual([])
    expect(await diskStore(folder).get('work')).toHaveLength(8 * 1024)
  } finally {
    execFileSync('umount', [folder])
  }
})

test('reserved room is on the disk: as long as asked, and not of zeros or holes', (context) => {
  const folder = folderOf(context)
  const room = reserveRoom(join(folder, 'x'), 20_000)
  const [file] = temporary(folder)
  const stat = fs.statSync(join(folder, file!))
  expect(stat.size).toBe(20_000)
  expect(stat.blocks * 512).toBeGreaterThanOrEqual(20_000)
  expect(new Set(fs.readFileSync(join(folder, file!))).size).toBe(256)
  room.release()
  expect(temporary(folder)).toEqual([])
})

test('what cannot take its place is an error, and leaves no temporary file', (context) => {
  const folder = folderOf(context)
  fs.mkdirSync(join(folder, 'x', 'full'), { recursive: true })
  expect(() => writeFileDurably(join(folder, 'x'), 'text')).toThrow(/cannot write/)
  expect(temporary(folder)).toEqual([])
})

test('temporary files of the dead are swept when they are old; fresh ones, those of the living, and what another record may be rescued from stay', (context) => {
  const folder = folderOf(context)
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000)
  const dead = 2 ** 22 - 3
  fs.writeFileSync(join(folder, 'there'), 'x')
  const files = {
    [`.tmp-${dead}-aa-x`]: old,
    [`.tmp-${dead}-ab-gone`]: old,
    [`.tmp-${dead}-bb-x`]: new Date(),
    [`.tmp-${process.pid}-cc-x`]: old,
    [`.tmp-${dead}-dd-there`]: old,
  }
  for (const [file, time] of Object.entries(files)) {
    fs.writeFileSync(join(folder, file), 'x')
    fs.utimesSync(join(folder, file), time, time)
  }
  writeFileDurably(join(folder, 'x'), 'text')
  expect(new Set(temporary(folder))).toEqual(
    new Set([`.tmp-${dead}-bb-x`, `.tmp-${process.pid}-cc-x`, `.tmp-${dead}-dd-there`]),
  )
})

test('what is set aside keeps every byte, and its path is said', async (context) => {
  const folder = folderOf(context)
  await put(folder, 'garbage')
  const aside = await diskStore(folder).quarantine('work')
  expect(aside).toMatch(/work\.grant\.unreadable-\d{8}T\d{9}Z$/)
  expect(fs.readFileSync(aside, 'utf8')).toBe('garbage')
  expect(await diskStore(folder).names()).toEqual([])
})

test('an unreadable record stays as it is: reading, listing and failing to open change nothing', async (context) => {
  const folder = folderOf(context)
  const vault = openDiskVault(folder, { wanted: 'file' })
  await vault.write(entryOf('good'))
  await vault.write(entryOf('bad'))
  const path = join(folder, 'bad.grant')
  const cut = fs.readFileSync(path, 'utf8').slice(0, -9)
  fs.writeFileSync(path, cut)
  await failure(() => vault.read('bad'), 'vault')
  expect(await vault.list()).toEqual([
    { name: 'bad', problem: expect.stringContaining('cut short') },
    { name: 'good', header: expect.objectContaining({ name: 'good' }) },
  ])
  expect(fs.readFileSync(path, 'utf8')).toBe(cut)
  expect(tokenOf(await vault.read('good'))).toBe('access-token-of-the-test')
})

test('the state: missing is empty, damaged is an error, written is kept', async (context) => {
  const path = join(folderOf(context), 'state.json')
  expect(readState(path)).toEqual({})
  await writeState(path, { default: 'work' })
  expect(readState(path)).toEqual({ default: 'work' })
  expect(mode(path)).toBe(0o600)
  await writeState(path, {})
  expect(readState(path)).toEqual({})
  for (const text of ['', '{', '[]', 'null', '{"default":7}', '{"default":"../x"}']) {
    fs.writeFileSync(path, text)
    await failure(() => readState(path), 'vault')
  }
})
