/** A renewal of two requests: the first one spends the refresh token, the second one only what the first one gave. */
import { describe, expect, test } from 'vitest'
import { DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Entry } from '../../src/core/types.ts'
import { renewIfNeeded } from '../../src/refresh/renew.ts'
import type { RenewalSteps, StoredGrant } from '../../src/refresh/renewal-journal.ts'
import { failureOf } from '../client/client-context.ts'
import { BORN, bench, blip, HOUR, next, tokenOf } from './stored-grant.ts'

const full = new DaypassError('vault', 'the disk is full')

/** The pair after the first request: the credential is still the old one. */
const rotated = (held: Entry): StoredGrant => ({
  header: held.header,
  grant: { ...held.grant!, refreshToken: new Secret('rt-2') },
})
const rotate = async (held: Entry, steps: RenewalSteps) => steps.keep(rotated(held))

async function pair(read: () => Promise<Entry | undefined>) {
  const entry = await read()
  return [tokenOf(entry), entry?.grant?.refreshToken?.reveal()]
}

describe('a renewal of two requests', () => {
  test('keeps the rotated refresh token before the second one leaves', async () => {
    const { lease, script, trace, read, clock } = await bench()
    script.push(async (held, steps) => {
      await rotate(held, steps)
      expect(await pair(read)).toEqual(['at-1', 'rt-2'])
      expect((await read())?.header).not.toHaveProperty('unanswered')
      trace.push('exchange')
      return { entry: next(2, clock.now) }
    })
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-2')
    expect(trace).toEqual(['deferred', 'reserve', 'noted', 'renew', 'kept', 'exchange', 'written', 'over'])
    expect((await read())?.header.lastRenewal).toEqual({ beganAt: clock.now })
  })

  test('notes nothing where only the second one is made', async () => {
    const { lease, spends, trace } = await bench()
    spends.refreshToken = false
    await renewIfNeeded(lease)
    expect(trace).toEqual(['deferred', 'reserve', 'renew', 'kept', 'over'])
  })

  test('leaves the rotated pair, and the old credential while it lives, where the second one fails', async () => {
    const { lease, script, read, warned } = await bench()
    script.push(async (held, steps) => {
      await rotate(held, steps)
      return { failure: 'passing', error: blip }
    })
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-1')
    expect(warned).toEqual([expect.stringContaining('connection refused')])
    expect(await pair(read)).toEqual(['at-1', 'rt-2'])
    expect((await read())?.header).not.toHaveProperty('unanswered')
    expect((await read())?.header.lastRenewal).toMatchObject({ failure: blip.message, code: 'network' })
  })

  test('is exit 5 where the old one is over, and the next one goes on from the rotated pair', async () => {
    const { lease, script, read, clock } = await bench()
    clock.now = BORN + HOUR
    script.push(async (held, steps) => {
      await rotate(held, steps)
      return { failure: 'passing', error: blip }
    })
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'network' })
    clock.now += 1
    script.push((held) => {
      expect(held.grant?.refreshToken?.reveal()).toBe('rt-2')
      return { entry: next(3, clock.now) }
    })
    expect(tokenOf((await renewIfNeeded(lease)).entry)).toBe('at-3')
    expect(await pair(read)).toEqual(['at-3', 'rt-3'])
  })

  test('is judged by what it has kept: a grant that is dead then is marked', async () => {
    const { lease, script, read } = await bench()
    script.push(async (held, steps) => {
      await rotate(held, steps)
      return { failure: 'dead', why: 'the access token is invalid' }
    })
    expect(await failureOf(renewIfNeeded(lease))).toMatchObject({ code: 'login_required' })
    expect((await read())?.header.loginRequired).toBe('the access token is invalid')
    expect(await pair(read)).toEqual(['at-1', 'rt-2'])
  })

  test.each([{}, { force: true }])(
    'that is cut off midway is no renewal for who waited (%o)',
    async (demand) => {
      const { lease, script, clock } = await bench()
      script.push(async (held, steps) => {
        await rotate(held, steps)
        throw new Error('killed')
      })
      const [first, second] = await Promise.allSettled([
        renewIfNeeded(lease, demand),
        renewIfNeeded(lease, demand),
      ])
      expect(first.status).toBe('rejected')
      expect(second).toMatchObject({ status: 'fulfilled', value: { renewed: true } })
      expect(second.status === 'fulfilled' && tokenOf(second.value.entry)).toBe('at-2')
      expect(clock.now).toBe(BORN + HOUR - 30_000)
    },
  )

  test('that could not keep the rotated pair asks for nothing more, and says that the old one is spent', async () => {
    const { lease, vault, script, trace } = await bench()
    let writes = 0
    const failing = {
      ...vault,
      write: (entry: Entry) => (writes++ === 1 ? Promise.reject(full) : vault.write(entry)),
      reserve: async () => ({ write: () => Promise.reject(full), release: async () => undefined }),
    }
    script.push(async (held, steps) => {
      await rotate(held, steps)
      trace.push('exchange')
      throw new Error('must not come here')
    })
    expect(await failureOf(renewIfNeeded({ ...lease, vault: failing }))).toMatchObject({
      code: 'vault',
      hint: 'mend that, then: daypass login work',
    })
    expect(trace).not.toContain('exchange')
    expect((await vault.header('work'))?.unanswered).toBe(BORN + HOUR - 30_000)
  })

  test('that could not keep its end hands out nothing, and has lost nothing', async () => {
    const { lease, vault, script, read, clock } = await bench()
    let writes = 0
    const failing = {
      ...vault,
      write: (entry: Entry) => (writes++ === 0 ? vault.write(entry) : Promise.reject(full)),
    }
    script.push(async (held, steps) => {
      await rotate(held, steps)
      return { entry: next(2, clock.now) }
    })
    expect(await failureOf(renewIfNeeded({ ...lease, vault: failing }))).toMatchObject({
      code: 'vault',
      message: 'work was renewed at the server, but could not be kept: the disk is full',
      hint: 'mend that, then try again',
    })
    expect(await pair(read)).toEqual(['at-1', 'rt-2'])
    expect((await read())?.header).not.toHaveProperty('unanswered')
  })
})
