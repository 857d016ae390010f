import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { BearerCredential, Entry } from '../../src/core/types.ts'
import { renewIfNeeded } from '../../src/refresh/renew.ts'
import { memoryStore } from '../../src/vault/memory.ts'
import { createMemoryVault, createVault, openDiskVault } from '../../src/vault/open-vault.ts'
import { deriveKeys, type RecordKeys } from '../../src/vault/seal.ts'
import type { Store } from '../../src/vault/store.ts'
import { failureOf, gate } from '../client/client-context.ts'
import { BORN, bench, blip, HOUR, kept, MINUTE, next, tokenOf } from './stored-grant.ts'

const NOTHING_DONE = { renew: 0, exclusive: 0, deferred: 0 }

describe('what is usable', () => {
  test('is handed out without a lock and without the network', async () => {
    const { lease, clock, calls } = await bench()
    clock.now = BORN + HOUR - MINUTE - 1
    const { entry, renewed } = await renewIfNeeded(lease)
    expect([tokenOf(entry), renewed]).toEqual(['at-1', false])
    expect(calls).toMatchObject(NOTHING_DONE)
  })

  test('ends with the margin, and then it is renewed once', async () => {
    const { lease, clock, calls } = await bench()
    clock.now = BORN + HOUR - MINUTE
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    expect(calls.renew).toBe(1)
  })

  test('of a credential shorter than its margin is what has a third of its life left', async () => {
    const { lease, clock, calls } = await bench(kept({ life: 30_000 }))
    clock.now = BORN + 19_999
    await renewIfNeeded(lease)
    expect(calls.renew).toBe(0)
    clock.now = BORN + 20_000
    await renewIfNeeded(lease)
    expect(calls.renew).toBe(1)
  })

  test('is judged by the clock of the server', async () => {
    const { lease, clock, calls } = await bench(kept({ header: { clockOffset: 2 * HOUR } }))
    clock.now = BORN - HOUR - 2 * MINUTE
    await renewIfNeeded(lease)
    expect(calls.renew).toBe(0)
    clock.now = BORN - HOUR - MINUTE / 2
    await renewIfNeeded(lease)
    expect(calls.renew).toBe(1)
  })

  test('has more left than the caller asks for', async () => {
    const { lease, clock, calls } = await bench()
    clock.now = BORN + 30 * MINUTE
    await renewIfNeeded(lease, { minTtl: 29 * MINUTE })
    expect(calls.renew).toBe(0)
    await renewIfNeeded(lease, { minTtl: 30 * MINUTE })
    expect(calls.renew).toBe(1)
  })

  test('is nothing that may not be admitted, whether before or under the lock', async () => {
    const { lease, calls, vault } = await bench()
    let admitted = 0
    const foreign = () => {
      if (++admitted === 2) throw new DaypassError('login_required', 'bound to another server')
    }
    expect(await failureOf(renewIfNeeded({ ...lease, assertUsable: foreign }))).toMatchObject({
      code: 'login_required',
    })
    expect(calls.renew).toBe(0)
    expect(tokenOf(await vault.read('work'))).toBe('at-1')
  })
})

describe('at once', () => {
  test('twelve callers with one stale grant renew it once, and all get the new one', async () => {
    const { lease, calls } = await bench()
    const taken = await Promise.all(Array.from({ length: 12 }, () => renewIfNeeded(lease)))
    expect(taken.map(({ entry }) => tokenOf(entry))).toEqual(Array(12).fill('at-2'))
    expect(taken.every(({ renewed }) => renewed)).toBe(true)
    expect(calls.renew).toBe(1)
  })

  test('what another process renewed while we waited is adopted, however short its life', async () => {
    const { lease, calls, vault, clock } = await bench()
    const holding = gate()
    const other = vault.exclusive('work', 'refresh', async () => {
      await holding.opened
      await vault.write(next(7, clock.now, 5_000))
    })
    const mine = renewIfNeeded(lease, { minTtl: 10 * MINUTE })
    holding.open()
    await other
    const { entry, renewed } = await mine
    expect([tokenOf(entry), renewed, calls.renew]).toEqual(['at-7', true, 0])
  })

  test('what another process renewed and let expire is not', async () => {
    const { lease, vault, clock } = await bench()
    const other = vault.exclusive('work', 'refresh', async () => vault.write(next(7, clock.now - HOUR)))
    const mine = renewIfNeeded(lease)
    await other
    expect(tokenOf((await mine).entry)).toBe('at-2')
  })

  test('force is content with a renewal that began after the call, and with no older one', async () => {
    const { lease, calls, clock } = await bench()
    clock.now = BORN
    await Promise.all([renewIfNeeded(lease, { force: true }), renewIfNeeded(lease, { force: true })])
    expect(calls.renew).toBe(1)
    clock.now += 1
    await renewIfNeeded(lease, { force: true })
    expect(calls.renew).toBe(2)
  })

  test.each([
    ['passing', { failure: 'passing', error: blip } as const, 'network'],
    ['unclear', { failure: 'unclear', why: 'answered 401' } as const, 'login_required'],
    [
      'refused',
      { failure: 'refused', error: new DaypassError('refused', 'invalid_client') } as const,
      'refused',
    ],
    ['dead', { failure: 'dead', why: 'invalid_grant' } as const, 'login_required'],
  ])(
    'a failure (%s) is shared by all callers that waited for it, and asked for again by the next',
    async (_, failure, code) => {
      const { lease, calls, clock, script } = await bench()
      clock.now = BORN + HOUR + 1
      script.push(() => failure)
      const outcomes = await Promise.all([1, 2, 3].map(() => failureOf(renewIfNeeded(lease))))
      expect(outcomes.map((error) => error.code)).toEqual([code, code, code])
      const advice = code === 'login_required' ? lease.login : undefined
      expect(outcomes.map((error) => error.advice)).toEqual([advice, advice, advice])
      expect(calls.renew).toBe(1)
      clock.now += 1
      if (failure.failure === 'dead') return void (await failureOf(renewIfNeeded(lease)))
      expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    },
  )

  test('a renewal whose answer was wrong is no success for those who waited', async () => {
    const { lease, calls, script, clock } = await bench()
    const problem = new DaypassError('refused', 'the answer cannot be trusted')
    script.push(() => ({ entry: { ...kept({ refreshToken: 'rt-2' }) }, problem }))
    const both = await Promise.all([1, 2].map(() => failureOf(renewIfNeeded(lease, { force: true }))))
    expect(both.map(({ code }) => code)).toEqual(['refused', 'refused'])
    expect([calls.renew, clock.now]).toEqual([1, clock.now])
  })

  test('a failure of tomorrow, left by a clock that was set back, is not shared', async () => {
    const { lease, calls } = await bench(
      kept({ header: { lastRenewal: { beganAt: BORN + 48 * HOUR, failure: 'old news' } } }),
    )
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    expect(calls.renew).toBe(1)
  })
})

describe('a token that a server refused', () => {
  test('is renewed once, for that very token, though it looks fresh', async () => {
    const { lease, calls, clock } = await bench()
    clock.now = BORN
    const rejected = new Secret('at-1')
    const taken = await Promise.all(Array.from({ length: 5 }, () => renewIfNeeded(lease, { rejected })))
    expect(taken.map(({ entry }) => tokenOf(entry))).toEqual(Array(5).fill('at-2'))
    expect(tokenOf((await renewIfNeeded(lease, { rejected })).entry)).toBe('at-2')
    expect(calls.renew).toBe(1)
  })

  test('is never handed out again, not even when the renewal fails in passing', async () => {
    const { lease, clock, script } = await bench()
    clock.now = BORN
    script.push(() => ({ failure: 'passing', error: blip }))
    expect(await failureOf(renewIfNeeded(lease, { rejected: new Secret('at-1') }))).toMatchObject({
      code: 'network',
    })
  })

  test('needs a login where nothing can be renewed', async () => {
    const { lease, calls, clock } = await bench(kept({ refreshToken: '', header: { renewable: false } }))
    clock.now = BORN
    expect(await failureOf(renewIfNeeded(lease, { rejected: new Secret('at-1') }))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect(calls).toMatchObject(NOTHING_DONE)
  })
})

describe('a passing failure', () => {
  test('leaves the old credential in use while it lives, with one warning', async () => {
    const { lease, script, warned, read } = await bench()
    script.push(() => ({ failure: 'passing', error: blip }))
    const { entry, renewed } = await renewIfNeeded(lease)
    expect([tokenOf(entry), renewed]).toEqual(['at-1', false])
    expect(warned).toEqual([expect.stringContaining('connection refused')])
    expect((await read())?.grant?.refreshToken?.reveal()).toBe('rt-1')
  })

  test('of an expired credential is exit 5, and the grant stays', async () => {
    const { lease, script, clock, warned, read } = await bench()
    clock.now = BORN + HOUR
    script.push(() => ({ failure: 'passing', error: blip }))
    const error = await failureOf(renewIfNeeded(lease))
    expect(error).toMatchObject({ code: 'network', retryable: true })
    expect(warned).toEqual([])
    const after = await read()
    expect(after?.grant?.refreshToken?.reveal()).toBe('rt-1')
    expect(after?.header.loginRequired).toBeUndefined()
  })

  test('is never called a renewal by force', async () => {
    const { lease, script } = await bench()
    script.push(() => ({ failure: 'passing', error: blip }))
    expect(await failureOf(renewIfNeeded(lease, { force: true }))).toMatchObject({ code: 'network' })
  })
})

describe('a dead grant', () => {
  test('is marked, exit 4 with the command, and nothing is deleted', async () => {
    const { lease, script, read, calls } = await bench()
    script.push(() => ({ failure: 'dead', why: 'answered 400 invalid_grant' }))
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    const after = await read()
    expect(after?.header.loginRequired).toContain('invalid_grant')
    expect(after?.grant?.refreshToken?.reveal()).toBe('rt-1')
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    expect(calls.renew).toBe(1)
  })

  test('is one, whether or not the mark can be written', async () => {
    const { lease, script, vault } = await bench()
    script.push(() => {
      lease.vault.write = () => Promise.reject(new DaypassError('vault', 'the disk is full'))
      return { failure: 'dead', why: 'invalid_grant' }
    })
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login work',
    })
    expect((await vault.read('work'))?.grant?.refreshToken?.reveal()).toBe('rt-1')
  })

  test('is not marked, and never erased, where a newer one lies on disk meanwhile', async () => {
    const { lease, script, read, vault, clock } = await bench()
    script.push(async () => {
      await vault.write(next(9, clock.now))
      return { failure: 'dead', why: 'invalid_grant' }
    })
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-9')
    expect((await read())?.header.loginRequired).toBeUndefined()
  })

  test('that was logged out meanwhile does not come back', async () => {
    const { lease, script, read, vault } = await bench()
    script.push(async () => {
      await vault.remove('work')
      return { failure: 'dead', why: 'invalid_grant' }
    })
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    expect(await read()).toBeUndefined()
  })

  test('an unclear refusal is exit 4 for this call, unmarked, and tried again on the next', async () => {
    const { lease, script, read, clock } = await bench()
    script.push(() => ({ failure: 'unclear', why: 'answered 401' }))
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    expect((await read())?.header.loginRequired).toBeUndefined()
    clock.now += 1
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
  })
})

describe('keep before you speak', () => {
  test('room is made, it is noted, the request leaves, the answer is kept, and Ctrl-C waits for all of it', async () => {
    const { lease, trace } = await bench()
    await renewIfNeeded(lease)
    expect(trace).toEqual(['deferred', 'reserve', 'noted', 'renew', 'kept', 'over'])
  })

  test('what could not be kept is never handed out, and the error says so', async () => {
    const { lease, vault } = await bench()
    const full = new DaypassError('vault', 'the disk is full')
    let notes = 0
    const failing = {
      ...vault,
      write: (entry: Entry) => (notes++ === 0 ? vault.write(entry) : Promise.reject(full)),
      reserve: async () => ({ write: () => Promise.reject(full), release: async () => undefined }),
    }
    expect(await failureOf(renewIfNeeded({ ...lease, vault: failing }))).toMatchObject({
      code: 'vault',
      message: 'work was renewed at the server, but could not be kept: the disk is full',
      hint: expect.stringContaining('daypass login work'),
    })
  })

  test('an answer whose room failed is kept at a second try', async () => {
    const { lease, vault, read } = await bench()
    const broken = {
      write: () => Promise.reject(new Error('a passing fault')),
      release: async () => undefined,
    }
    const { entry } = await renewIfNeeded({ ...lease, vault: { ...vault, reserve: async () => broken } })
    expect((await read())?.header.lastRenewal).toEqual(entry.header.lastRenewal)
    expect(tokenOf((await read())!)).toBe(tokenOf(entry))
  })

  test('without room no request leaves', async () => {
    const { lease, vault, calls } = await bench()
    const failing = { ...vault, reserve: () => Promise.reject(new DaypassError('vault', 'the disk is full')) }
    expect(await failureOf(renewIfNeeded({ ...lease, vault: failing }))).toMatchObject({ code: 'vault' })
    expect(calls.renew).toBe(0)
  })

  test('without a note of it no request leaves', async () => {
    const { lease, vault, calls } = await bench()
    const failing = { ...vault, write: () => Promise.reject(new DaypassError('vault', 'the disk is full')) }
    expect(await failureOf(renewIfNeeded({ ...lease, vault: failing }))).toMatchObject({ code: 'vault' })
    expect(calls.renew).toBe(0)
  })

  test('a rotated refresh token is kept even when the rest of its answer is thrown', async () => {
    const { lease, script, read } = await bench()
    const problem = new DaypassError('refused', 'the answer cannot be trusted')
    script.push(() => ({ entry: kept({ refreshToken: 'rt-2' }), problem }))
    expect(await failureOf(renewIfNeeded(lease))).toBe(problem)
    expect((await read())?.grant?.refreshToken?.reveal()).toBe('rt-2')
  })

  test('the room is given back whatever happens', async () => {
    const { lease, vault, script } = await bench()
    let released = 0
    const counting = {
      ...vault,
      reserve: async (entry: Parameters<typeof vault.reserve>[0]) => {
        const slot = await vault.reserve(entry)
        return { ...slot, release: async () => void released++ }
      },
    }
    script.push(() => Promise.reject(new Error('a defect')))
    await failureOf(renewIfNeeded({ ...lease, vault: counting }))
    await renewIfNeeded({ ...lease, vault: counting })
    expect(released).toBe(2)
  })

  test('a renewal that throws lets the next one in', async () => {
    const { lease, script } = await bench(kept(), createMemoryVault({ patience: 500 }))
    script.push(() => Promise.reject(new Error('a defect')))
    await failureOf(renewIfNeeded(lease))
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
  })
})

describe('an answer that was lost', () => {
  const dead = { failure: 'dead', why: 'answered 400 invalid_grant' } as const

  test('is noted before the request leaves, and forgotten when an answer is kept', async () => {
    const { lease, script, read, clock } = await bench()
    script.push(async () => {
      expect((await read())?.header.unanswered).toBe(clock.now)
      return { entry: next(2, clock.now) }
    })
    await renewIfNeeded(lease)
    expect((await read())?.header.unanswered).toBeUndefined()
  })

  test('costs nothing where the server still takes the old refresh token', async () => {
    const { lease, calls, read } = await bench(kept({ header: { unanswered: BORN } }))
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    expect(calls.renew).toBe(1)
    expect((await read())?.header).not.toHaveProperty('unanswered')
    expect((await read())?.header).not.toHaveProperty('lostRenewals')
  })

  test('is told in one sentence with the command, and counted, where it cost the login', async () => {
    const header = { unanswered: Date.UTC(2026, 0, 2, 3, 4, 5), lostRenewals: 1 }
    const { lease, script, read } = await bench(kept({ header }))
    script.push(() => dead)
    const told =
      'the answer to its renewal of 2026-01-02T03:04:05Z was lost, and the server no longer takes the refresh token that it replaced'
    const expected = { message: `work needs a login: ${told}`, hint: 'daypass login work' }
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject(expected)
    const after = (await read())!.header
    expect(after).toMatchObject({ loginRequired: told, lostRenewals: 2 })
    expect(after).not.toHaveProperty('unanswered')
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject(expected)
  })

  test('is told where the server says nothing readable, too, and that is tried again', async () => {
    const { lease, script, read } = await bench(kept({ header: { unanswered: BORN } }))
    script.push(() => ({ failure: 'unclear', why: 'answered 400' }))
    expect((await failureOf(renewIfNeeded(lease))).message).toContain('was lost')
    expect((await read())?.header).toMatchObject({ unanswered: BORN })
    expect((await read())?.header.loginRequired).toBeUndefined()
  })

  test.each([
    [true, 'the network'],
    [false, 'the server itself'],
  ])('is thought of (%s) where %s failed in passing', async (unanswered) => {
    const { lease, script, read, clock } = await bench()
    script.push(() => ({ failure: 'passing', error: blip, unanswered }))
    await renewIfNeeded(lease)
    expect((await read())?.header.unanswered).toBe(unanswered ? clock.now : undefined)
  })

  test('is not thought of where no request left', async () => {
    const { lease, script, read } = await bench()
    script.push(() => Promise.reject(new Error('a defect')))
    await failureOf(renewIfNeeded(lease))
    expect((await read())?.header.unanswered).toBeUndefined()
  })

  test('but sealed already is put in its place, and the server is not asked again', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'daypass-lease-'))
    context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const vault = openDiskVault(folder, { wanted: 'file' })
    const { lease, calls, clock, read } = await bench(kept({ header: { unanswered: BORN + 1 } }), vault)
    const answer = (beganAt: number, n: number) => {
      const entry = next(n, clock.now)
      return { ...entry, header: { ...entry.header, lastRenewal: { beganAt } } }
    }
    // Of another renewal; of this one; room that was not filled yet; half an answer.
    leftBehind(folder, await sealed(answer(BORN, 5)))
    leftBehind(folder, await sealed(answer(BORN + 1, 6)))
    leftBehind(folder, 'noise')
    leftBehind(folder, (await sealed(answer(BORN + 1, 7))).slice(0, -20))
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-6')
    expect(calls.renew).toBe(0)
    expect((await read())?.header.unanswered).toBeUndefined()

    /** The text of a record as this vault writes it. */
    async function sealed(entry: Entry): Promise<string> {
      const before = readFileSync(join(folder, 'work.grant'))
      await vault.write(entry)
      const text = readFileSync(join(folder, 'work.grant'), 'utf8')
      writeFileSync(join(folder, 'work.grant'), before)
      return text
    }
  })
})

let left = 0
const leftBehind = (folder: string, text: string) =>
  writeFileSync(join(folder, `.tmp-1-${left++}-work.grant`), text, { mode: 0o600 })

describe('what cannot be renewed', () => {
  test('is used until it needs a login, without a lock', async () => {
    const { lease, clock, calls } = await bench(kept({ refreshToken: '', header: { renewable: false } }))
    clock.now = BORN
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-1')
    clock.now = BORN + HOUR
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    expect(calls).toMatchObject(NOTHING_DONE)
  })

  test('after a logout is a login, and nothing kept at all is one, too', async () => {
    const { grant: _, ...loggedOut } = kept({
      header: { loginRequired: 'it was logged out', renewable: false },
    })
    const { lease, vault } = await bench(loggedOut)
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    await vault.remove('work')
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
  })
})

describe('a vault', () => {
  const keys = deriveKeys(randomBytes(32))
  const location = { id: 'abc', where: 'file' } as const
  const open = (store: Store, opened: RecordKeys) =>
    createVault({ store, keys: { location: async () => location, open: async () => opened } })

  test('with the use key alone hands out what is fresh, and what is stale is no matter of a login', async () => {
    const store = memoryStore()
    await open(store, keys).write(kept())
    const { lease, clock, calls } = await bench()
    const useOnly = { ...lease, vault: open(store, { use: keys.use }) }
    clock.now = BORN
    expect(tokenOf((await renewIfNeeded(useOnly)).entry)).toBe('at-1')
    clock.now = BORN + HOUR - MINUTE / 2
    expect(await failureOf(renewIfNeeded(useOnly))).toMatchObject({
      code: 'vault',
      message: 'the key that renews `work` is not on this machine',
      hint: expect.not.stringContaining('login'),
    })
    expect(calls.renew).toBe(0)
  })

  test('without room for all of an answer keeps its refresh token beside the old credential, and says that it failed', async () => {
    const { lease, vault, clock, script, read } = await bench()
    const full = new DaypassError('vault', 'cannot write work.grant: the disk is full')
    const small = {
      ...vault,
      write: async (entry: Entry) => {
        if (vault.measure(entry.grant!).whole > 16 * 1024) throw full
        await vault.write(entry)
      },
      reserve: async () => ({ write: () => Promise.reject(full), release: async () => undefined }),
    }
    script.push(() => {
      const { header, grant } = next(2, clock.now)
      const idToken = new Secret('x'.repeat(20_000))
      return {
        entry: {
          header,
          grant: { ...grant!, credential: { ...(grant!.credential as BearerCredential), idToken } },
        },
      }
    })
    expect(await failureOf(renewIfNeeded({ ...lease, vault: small }))).toMatchObject({
      code: 'vault',
      message: `work was renewed at the server, but could not be kept: ${full.message}`,
      hint: 'mend that, then try again',
    })
    const { header, grant } = (await read())!
    expect(grant?.refreshToken?.reveal()).toBe('rt-2')
    expect(tokenOf({ header, grant: grant! })).toBe('at-1')
    expect(header).toMatchObject({ expiresAt: BORN + HOUR, lastRenewal: { code: 'vault' } })
    expect(header.unanswered).toBeUndefined()
  })

  test('that keeps no answer of a role for its size keeps nothing in its place', async () => {
    const { lease, clock, script, read } = await bench(kept({ refreshToken: undefined }))
    script.push(() => {
      const { header } = next(2, clock.now)
      const token = new Secret('x'.repeat(1 << 20))
      return {
        entry: {
          header,
          grant: { credential: { ...(kept().grant!.credential as BearerCredential), token } },
        },
      }
    })
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({
      code: 'vault',
      message: 'what the server sent for work is larger than can be kept',
    })
    expect(tokenOf(await read())).toBe('at-1')
  })
})
