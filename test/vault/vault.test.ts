import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import type { Entry } from '../../src/core/types.ts'
import { memoryStore } from '../../src/vault/memory.ts'
import { createMemoryVault, createVault, openDiskVault } from '../../src/vault/open-vault.ts'
import { deriveKeys, type RecordKeys } from '../../src/vault/seal.ts'
import type { Store } from '../../src/vault/store.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { entryOf, headerOf, sealVersion1, tokenOf } from './records.ts'
import { failure, folderOf } from './support.ts'

const makers: [string, (folder: string) => Vault][] = [
  ['memory', () => createMemoryVault()],
  ['disk', (folder) => openDiskVault(folder, { wanted: 'file' })],
]

describe.each(makers)('a vault in %s', (where, make) => {
  test('keeps a grant, lists it without the key, and removes it', async (context) => {
    const vault = make(folderOf(context))
    expect(await vault.list()).toEqual([])
    expect(await vault.read('work')).toBeUndefined()
    await vault.write(entryOf('work'))
    expect(tokenOf(await vault.read('work'))).toBe('access-token-of-the-test')
    const header = await vault.header('work')
    expect(header).toMatchObject({ name: 'work', key: await vault.location() })
    expect(header?.key?.where).toBe(where === 'disk' ? 'file' : 'memory')
    expect(await vault.list()).toEqual([{ name: 'work', header }])
    expect(await vault.remove('work')).toBe(true)
    expect(await vault.read('work')).toBeUndefined()
  })

  test('after a logout the header stays, names no key, and nothing is sealed', async (context) => {
    const vault = make(folderOf(context))
    await vault.write(entryOf('work'))
    const { header } = (await vault.read('work'))!
    await vault.write({ header: { ...header, loginRequired: 'logged out' } })
    expect(await vault.read('work')).toEqual({ header: headerOf('work', { loginRequired: 'logged out' }) })
  })

  test('reserved room takes an answer that is 16 KiB longer, and can be given back', async (context) => {
    const vault = make(folderOf(context))
    const slot = await vault.reserve({ header: headerOf('work') })
    expect(await vault.list()).toEqual([])
    await slot.write(entryOf('work', 'x'.repeat(12_000)))
    expect(tokenOf(await vault.read('work'))).toHaveLength(12_000)
    await (await vault.reserve(entryOf('work'))).release()
    await expect((await vault.reserve(entryOf('work'))).write(entryOf('other'))).rejects.toThrow()
    expect(tokenOf(await vault.read('work'))).toHaveLength(12_000)
  })

  test('started logins are sealed, listed apart, and are no identities', async (context) => {
    const vault = make(folderOf(context))
    await vault.sealed.write('__login-1', { verifier: 'v', deep: [{ $secret: 1 }] })
    expect(await vault.sealed.read('__login-1')).toEqual({ verifier: 'v', deep: [{ $secret: 1 }] })
    expect(await vault.sealed.read('__login-2')).toBeUndefined()
    expect(await vault.sealed.names()).toEqual(['__login-1'])
    expect(await vault.list()).toEqual([])
    expect(await vault.sealed.remove('__login-1')).toBe(true)
    expect(await vault.sealed.names()).toEqual([])
    await failure(() => vault.read('__login-1'), 'usage')
  })

  test('a name that is none is refused everywhere', async (context) => {
    const vault = make(folderOf(context))
    for (const name of ['', '../x', '__vault', 'a b']) {
      await failure(() => vault.read(name), 'usage')
      await failure(() => vault.header(name), 'usage')
      await failure(() => vault.write(entryOf(name)), 'usage')
      await failure(() => vault.reserve(entryOf(name)), 'usage')
      await failure(() => vault.remove(name), 'usage')
      await failure(() => vault.quarantine(name), 'usage')
    }
  })
})

test('on disk the room is as long as the record and 16 KiB more', async (context) => {
  const folder = folderOf(context)
  const vault = openDiskVault(folder, { wanted: 'file' })
  await vault.write(entryOf('work'))
  const slot = await vault.reserve(entryOf('work'))
  const file = fs.readdirSync(folder).find((file) => file.startsWith('.tmp-'))!
  const kept = fs.statSync(join(folder, 'work.grant')).size
  expect(fs.statSync(join(folder, file)).size).toBe(kept + 16 * 1024)
  await slot.release()
})

describe('the two keys', () => {
  const keys = deriveKeys(randomBytes(32))
  const location = { id: 'abc', where: 'file' } as const
  const open = (store: Store, opened: RecordKeys) =>
    createVault({ store, keys: { location: async () => location, open: async () => opened } })

  test('with the use key alone a vault lists and hands out, and neither renews nor writes', async () => {
    const store = memoryStore()
    const whole = open(store, keys)
    await whole.write(entryOf('work'))
    await whole.sealed.write('__login-1', { verifier: 'v' })
    const vault = open(store, { use: keys.use })
    expect(await vault.list()).toEqual(await whole.list())
    const { header, grant } = (await vault.readCredential('work'))!
    expect({ header, grant }).toEqual({
      header: await whole.header('work'),
      grant: { credential: expect.anything() },
    })
    expect(tokenOf({ header, grant: grant! })).toBe('access-token-of-the-test')
    for (const refused of [
      () => vault.read('work'),
      () => vault.write(entryOf('work')),
      () => vault.reserve(entryOf('work')),
      () => vault.reserve({ header: headerOf('new') }),
      () => vault.sealed.read('__login-1'),
      () => vault.sealed.write('__login-2', {}),
    ]) {
      const error = await failure(refused, 'vault')
      expect(error.message).toMatch(/^the key that renews `\w+(-\d)?` is not on this machine$/)
      expect(error.hint).not.toMatch(/log ?in/)
    }
    expect((await whole.read('work'))?.grant?.refreshToken?.reveal()).toBe('refresh-token-of-the-test')
  })

  test('what another key sealed is not used', async () => {
    const store = memoryStore()
    await open(store, deriveKeys(randomBytes(32))).write(entryOf('work'))
    await failure(() => open(store, { use: keys.use }).readCredential('work'), 'vault')
  })
})

describe('a record of before', () => {
  const beganAt = 1_700_000_500_000
  const unanswered = { ...entryOf('work'), header: headerOf('work', { unanswered: beganAt }) }

  test('is read, and has two parts as soon as it is written', async (context) => {
    const { vault, read, put } = await versionOne(context)
    put('work.grant', entryOf('work'))
    expect(tokenOf((await vault.readCredential('work')) as Entry)).toBe('access-token-of-the-test')
    const entry = (await vault.read('work'))!
    expect(entry.grant?.refreshToken?.reveal()).toBe('refresh-token-of-the-test')
    expect(read().split('\n')).toHaveLength(3)
    await vault.write(entry)
    expect(read()).toMatch(/^\{"v":2,/)
    expect(read().split('\n')).toHaveLength(4)
    expect(await vault.read('work')).toEqual({ ...entry, header: { ...entry.header, v: 2 } })
  })

  test('whose renewal was killed behind its answer is found, whatever follows it in its room', async (context) => {
    const { vault, put, read } = await versionOne(context)
    put('work.grant', unanswered)
    const answer = entryOf('work', 'the-answer')
    put(
      '.tmp-4194301-aa-work.grant',
      { ...answer, header: headerOf('work', { lastRenewal: { beganAt } }) },
      'noise\nnoise\n',
    )
    expect(await vault.recoverPending('work')).toBe(true)
    expect(tokenOf(await vault.read('work'))).toBe('the-answer')
    expect(read()).toMatch(/^\{"v":2,/)
  })

  async function versionOne(context: TestContext) {
    const folder = folderOf(context)
    const vault = openDiskVault(folder, { wanted: 'file' })
    const { id } = await vault.location()
    const key = Buffer.from(fs.readFileSync(join(folder, `key-${id}`), 'utf8'), 'base64')
    const put = (file: string, entry: Entry, more = '') =>
      fs.writeFileSync(join(folder, file), sealVersion1(entry, id, key) + more, { mode: 0o600 })
    return { vault, put, read: () => fs.readFileSync(join(folder, 'work.grant'), 'utf8') }
  }
})

describe('the key file', () => {
  test('is one, however many ask for it at once', async (context) => {
    const folder = folderOf(context)
    const vaults = Array.from({ length: 8 }, () => openDiskVault(folder, { wanted: 'file' }))
    const keys = await Promise.all(vaults.map((vault) => vault.location()))
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    expect(fs.readdirSync(folder).filter((file) => file.startsWith('key-'))).toHaveLength(1)
  })

  test('is made once: a second vault object, and another wish, use the same', async (context) => {
    const folder = folderOf(context)
    await openDiskVault(folder, { wanted: 'file' }).write(entryOf('work'))
    const again = openDiskVault(folder, { wanted: 'keychain' })
    await again.write(entryOf('other'))
    expect(tokenOf(await again.read('work'))).toBe('access-token-of-the-test')
    expect(fs.readdirSync(folder).filter((file) => file.startsWith('key-'))).toHaveLength(1)
  })

  test('missing: an error that names it, no second key, and list and logout still work', async (context) => {
    const folder = folderOf(context)
    await openDiskVault(folder, { wanted: 'file' }).write(entryOf('work'))
    const file = fs.readdirSync(folder).find((file) => file.startsWith('key-'))!
    const key = fs.readFileSync(join(folder, file))
    fs.unlinkSync(join(folder, file))
    const vault = openDiskVault(folder, { wanted: 'file' })
    expect((await failure(() => vault.read('work'), 'vault')).message).toContain(file)
    await failure(() => vault.write(entryOf('other')), 'vault')
    await failure(() => vault.reserve(entryOf('work')), 'vault')
    expect(await vault.list()).toHaveLength(1)
    expect(fs.readdirSync(folder).filter((file) => file.startsWith('key-'))).toEqual([])
    fs.writeFileSync(join(folder, file), key, { mode: 0o600 })
    expect(tokenOf(await vault.read('work'))).toBe('access-token-of-the-test')
  })

  test('damaged, or a damaged decision: an error, nothing made anew', async (context) => {
    const folder = folderOf(context)
    await openDiskVault(folder, { wanted: 'file' }).write(entryOf('work'))
    const before = fs.readdirSync(folder)
    fs.writeFileSync(join(folder, before.find((file) => file.startsWith('key-'))!), 'AAAA')
    await failure(() => openDiskVault(folder).read('work'), 'vault')
    for (const text of ['', '{', '{"v":1,"key":{"id":"../x","where":"file"}}']) {
      fs.writeFileSync(join(folder, 'vault.json'), text)
      await failure(() => openDiskVault(folder).write(entryOf('work')), 'vault')
    }
    expect(fs.readdirSync(folder)).toEqual(before)
  })
})
