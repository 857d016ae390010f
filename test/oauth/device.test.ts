import { describe, expect, test } from 'vitest'
import { awaitDevice, type DeviceWait } from '../../src/login/device.ts'
import { authorizeDevice } from '../../src/oauth/device.ts'
import type { ClientContext } from '../../src/oauth/server.ts'
import { type DeviceOptions, testClock } from '../../src/testing/index.ts'
import { failureOf } from '../client/client-context.ts'
import { start } from '../testing/servers.ts'
import { answering, partyAt, partyOf } from './kit.ts'

/** Pauses are over at once and are written down; the clock goes with them. */
function patience(onPause: (count: number) => void = () => undefined) {
  const paused: number[] = []
  const clock = testClock(Date.now(), { naps: Number.POSITIVE_INFINITY })
  function sleep(milliseconds: number, signal?: AbortSignal) {
    onPause(paused.push(milliseconds))
    return clock.sleep(milliseconds, signal)
  }
  return { paused, host: { ...clock, sleep } }
}

async function begun(device: DeviceOptions = {}) {
  const server = await start({ device: { interval: 2, strictInterval: false, ...device } })
  const party = await partyOf(server)
  return { server, party, authorization: await authorizeDevice(party, ['openid']) }
}

async function waiting(
  party: ClientContext,
  device: Awaited<ReturnType<typeof authorizeDevice>>,
  onPause?: (count: number) => void,
) {
  const { paused, host } = patience(onPause)
  const until = host.now() + 3_600_000
  const issued = awaitDevice({ host, context: party, wait: { device, askedAt: host.now() }, until })
  return { paused, issued }
}

describe('a device login', () => {
  test('polls until the person approved', async () => {
    const { server, party, authorization } = await begun()
    const { paused, issued } = await waiting(
      party,
      authorization,
      (count) => count === 3 && server.decideDevice('approve'),
    )
    expect(await issued).toHaveProperty('tokens.refreshToken')
    expect(paused).toEqual([2000, 2000, 2000])
  })

  test('slow_down makes it slower for good', async () => {
    const { server, party, authorization } = await begun({
      script: ['slow_down', 'authorization_pending', 'slow_down'],
    })
    server.decideDevice('approve')
    const { paused, issued } = await waiting(party, authorization)
    await issued
    expect(paused).toEqual([2000, 7000, 7000, 12_000])
  })

  test('goes on where it stood: as slow as it was told to be, and not before its time', async () => {
    const { server, party, authorization } = await begun({ script: ['slow_down'] })
    const { paused, host } = patience()
    const stood: DeviceWait[] = []
    const remember = async (wait: DeviceWait) => void stood.push(wait)
    const begin = { device: authorization, askedAt: host.now() }
    // One look each, as `--finish` without a wait takes it.
    expect(
      await awaitDevice({ host, context: party, wait: begin, until: host.now(), remember }),
    ).toBeUndefined()
    server.decideDevice('approve')
    const [at] = stood
    expect(at).toMatchObject({ device: { interval: 7000 }, polledAt: host.now() })
    expect(
      await awaitDevice({ host, context: party, wait: at!, until: host.now(), remember }),
    ).toHaveProperty('tokens')
    expect(paused).toEqual([2000, 7000])
  })

  test('a clock that was set back does not make it wait longer than an interval', async () => {
    const { server, party, authorization } = await begun()
    server.decideDevice('approve')
    const { paused, host } = patience()
    const later = host.now() + 3_600_000
    const wait = { device: authorization, askedAt: later, polledAt: later }
    await awaitDevice({ host, context: party, wait, until: host.now() })
    expect(paused).toEqual([2000])
  })

  test('a network that fails in between costs patience, not the login', async () => {
    const { server, party, authorization } = await begun()
    server.failNext({ endpoint: 'device-poll', cut: 'before' })
    server.failNext({ endpoint: 'device-poll', status: 503 })
    server.decideDevice('approve')
    const { paused, issued } = await waiting(party, authorization)
    expect(await issued).toHaveProperty('tokens')
    expect(paused).toEqual([2000, 4000, 8000])
  })

  test('is refused when the person says no', async () => {
    const { server, party, authorization } = await begun()
    server.decideDevice('deny')
    expect(await failureOf((await waiting(party, authorization)).issued)).toMatchObject({ code: 'refused' })
  })

  test('needs another login when the code expired, by the server or by the clock', async () => {
    const { party, authorization } = await begun({ expiresIn: 0 })
    expect(await failureOf((await waiting(party, authorization)).issued)).toMatchObject({
      code: 'login_required',
    })
    const { origin } = await answering({ status: 400, body: { error: 'authorization_pending' } })
    const { paused, issued } = await waiting(partyAt(origin), { ...authorization, expiresIn: 10_000 })
    expect(await failureOf(issued)).toMatchObject({ code: 'login_required' })
    expect(paused.length).toBeLessThanOrEqual(6)
  })

  test('gives up at once on an error that will not pass', async () => {
    const { authorization } = await begun()
    const { origin, seen } = await answering({ status: 401, body: { error: 'invalid_client' } })
    expect(await failureOf((await waiting(partyAt(origin), authorization)).issued)).toMatchObject({
      code: 'refused',
    })
    expect(seen).toHaveLength(1)
  })

  test('stops between two polls when the caller gives up', async () => {
    const { party, authorization } = await begun()
    const caller = new AbortController()
    const { host } = patience(() => caller.abort(new Error('enough')))
    const device = { device: authorization, askedAt: host.now() }
    const { signal } = caller
    const issued = awaitDevice({
      host,
      context: party,
      wait: device,
      until: Number.POSITIVE_INFINITY,
      signal,
    })
    expect((await failureOf(issued)).message).toBe('enough')
  })
})

describe('a device authorization', () => {
  const GOOD = { device_code: 'dc', user_code: 'ABCD', verification_uri: 'https://id.example.com/device' }

  test.each([
    [{}, 900_000, 5000],
    [{ expires_in: '600', interval: '3' }, 600_000, 3000],
    [{ expires_in: 0, interval: 0 }, 900_000, 5000],
    [{ interval: 0.01 }, 900_000, 1000],
    [{ expires_in: 'soon', interval: 'often' }, 900_000, 5000],
  ])('with %j has sensible times', async (more, expiresIn, interval) => {
    const { origin } = await answering({ body: { ...GOOD, ...more } })
    expect(await authorizeDevice(partyAt(origin), [])).toMatchObject({ expiresIn, interval })
  })

  test.each(['javascript:alert(1)', 'http://evil.example/device', 'x', undefined])(
    'never sends a person to %j',
    async (verification_uri) => {
      const { origin } = await answering({ body: { ...GOOD, verification_uri } })
      expect(await failureOf(authorizeDevice(partyAt(origin), []))).toMatchObject({ code: 'configuration' })
    },
  )

  test('shows a user code without what a terminal would obey', async () => {
    const { origin } = await answering({ body: { ...GOOD, user_code: 'AB\u001b[2JCD\u202e' } })
    expect((await authorizeDevice(partyAt(origin), [])).userCode).toBe('AB [2JCD')
  })

  test('that gives no code is refused', async () => {
    const { origin } = await answering({ body: { ...GOOD, device_code: 5 } })
    expect(await failureOf(authorizeDevice(partyAt(origin), []))).toMatchObject({ code: 'refused' })
  })
})
