import { describe, expect, test } from 'vitest'
import { testClock } from '../../src/testing/index.ts'
import { attempt, me, pollDevice, refusalOf, startDevice } from './client.ts'
import { start } from './servers.ts'

describe('a login by device', () => {
  const device = { interval: 0.05 }

  test('waits for the person, then ends in tokens', async () => {
    const server = await start({ device: { ...device, strictInterval: false } })
    const party = await attempt(server)
    const begun = await startDevice(party)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('authorization_pending')
    expect((await fetch(begun.verification_uri_complete!)).status).toBe(200)
    const tokens = await pollDevice(party, begun.device_code)
    expect(await me(server, tokens.access_token)).toBe(200)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('invalid_grant')
  })

  test('hears no, by page, by address and by hand', async () => {
    const server = await start({ consent: 'form', device: { ...device, strictInterval: false } })
    const party = await attempt(server)
    const byAddress = await startDevice(party)
    await fetch(`${byAddress.verification_uri_complete}&decision=deny`)
    expect(await refusalOf(pollDevice(party, byAddress.device_code))).toBe('access_denied')
    const byHand = await startDevice(party)
    expect(server.decideDevice('deny', byHand.user_code)).toBe(true)
    expect(await refusalOf(pollDevice(party, byHand.device_code))).toBe('access_denied')
    expect(server.decideDevice('deny', 'NONE')).toBe(false)
  })

  test('a poll before its time is told to slow down', async () => {
    const clock = testClock()
    const party = await attempt(await start({ now: clock.now }))
    const begun = await startDevice(party)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('authorization_pending')
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('slow_down')
    // The interval is 6 s now, so the first one is not enough any more.
    clock.advance(1000)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('slow_down')
    clock.advance(11_000)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('authorization_pending')
  })

  test('follows a script first', async () => {
    const script = ['slow_down', 'authorization_pending'] as const
    const server = await start({ device: { ...device, script, strictInterval: false } })
    const party = await attempt(server)
    const begun = await startDevice(party)
    server.decideDevice('approve')
    const answers: string[] = []
    for (let poll = 0; poll < 3; poll++) answers.push(await refusalOf(pollDevice(party, begun.device_code)))
    expect(answers).toEqual(['slow_down', 'authorization_pending', 'no refusal'])
  })

  test('has its time, and can be switched off', async () => {
    const clock = testClock()
    const party = await attempt(await start({ now: clock.now }))
    const begun = await startDevice(party)
    clock.advance(600_000)
    expect(await refusalOf(pollDevice(party, begun.device_code))).toBe('expired_token')
    const { as } = await attempt(await start({ device: false }))
    expect(as.device_authorization_endpoint).toBeUndefined()
  })
})
