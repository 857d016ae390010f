import { describe, expect, test } from 'vitest'
import { scriptedTerminal, testClock } from '../../src/testing/index.ts'

/** Lets everything happen that waits for nothing. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('a clock that a test moves', () => {
  test('stands, unless it is started with one that runs', () => {
    const clock = testClock(1000)
    clock.advance(500)
    expect([clock.now(), clock.now()]).toEqual([1500, 1500])
    let time = 0
    const running = testClock(() => time)
    running.advance(500)
    time = 7
    expect(running.now()).toBe(507)
  })

  test('wakes those whose time has come, the first to wake first', async () => {
    const clock = testClock(0)
    const awake: number[] = []
    for (const length of [300, 100, 301, 200]) void clock.sleep(length).then(() => awake.push(length))
    clock.advance(99)
    await settled()
    expect(awake).toEqual([])
    clock.advance(201)
    await settled()
    expect(awake).toEqual([100, 200, 300])
  })

  test('a sleep is given up with its signal’s reason, before it or in it', async () => {
    const clock = testClock()
    const controller = new AbortController()
    const asleep = clock.sleep(100, controller.signal)
    controller.abort(new Error('enough'))
    await expect(asleep).rejects.toThrow('enough')
    await expect(clock.sleep(100, controller.signal)).rejects.toThrow('enough')
  })

  test('naps are over at once and have taken their time; longer sleeps are not', async () => {
    const clock = testClock(0, { naps: 1000 })
    let awake = false
    const long = clock.sleep(5000).then(() => {
      awake = true
    })
    await Promise.all([clock.sleep(400), clock.sleep(1000)])
    expect([clock.now(), awake]).toEqual([1000, false])
    clock.advance(4000)
    await long
  })
})

describe('a person at a terminal', () => {
  const fruit = [
    { value: 'apple', label: 'Apple' },
    { value: 'pear', label: 'Pear' },
  ]

  test('answers each kind of question in order, and everything is remembered', async () => {
    const terminal = scriptedTerminal({
      interactive: true,
      answers: { readSecret: ['one', async (prompt) => `${prompt} two`], choose: ['pear'], confirm: [true] },
    })
    terminal.say('hello')
    terminal.warn('careful')
    terminal.busy('working')()
    expect(await terminal.choose('Which?', fruit)).toBe('pear')
    expect([await terminal.readSecret('a:'), await terminal.readSecret('b:')]).toEqual(['one', 'b: two'])
    expect(await terminal.confirm('Sure?')).toBe(true)
    expect(terminal).toMatchObject({
      said: ['hello'],
      warned: ['careful'],
      busied: ['working'],
      asked: ['Which?', 'a:', 'b:', 'Sure?'],
    })
  })

  test('who has no more to say cancels, says no, and types nothing until the question is withdrawn', async () => {
    const terminal = scriptedTerminal({ interactive: true })
    expect(await terminal.choose('Which?', fruit)).toBeUndefined()
    expect(await terminal.confirm('Sure?')).toBe(false)
    const controller = new AbortController()
    const typed = terminal.readSecret('a:', controller.signal)
    await settled()
    controller.abort(new Error('enough'))
    await expect(typed).rejects.toThrow('enough')
  })

  test('a question that is withdrawn is answered no more', async () => {
    const controller = new AbortController()
    const hesitant = () => {
      controller.abort(new Error('enough'))
      return settled().then(() => 'late')
    }
    const terminal = scriptedTerminal({ answers: { readSecret: [hesitant, 'next'] } })
    await expect(terminal.readSecret('a:', controller.signal)).rejects.toThrow('enough')
    await expect(terminal.readSecret('b:', controller.signal)).rejects.toThrow('enough')
    expect(await terminal.readSecret('c:')).toBe('next')
  })

  test('who is not there gives what the pipe holds, and can be asked nothing else', async () => {
    const terminal = scriptedTerminal({ answers: { readSecret: ['one'], confirm: [true] } })
    expect([await terminal.readSecret('a:'), await terminal.readSecret('b:')]).toEqual(['one', undefined])
    await expect(terminal.confirm('Sure?')).rejects.toMatchObject({ code: 'usage' })
    await expect(terminal.choose('Which?', fruit)).rejects.toMatchObject({ code: 'usage' })
  })

  test('a choice that is not offered is a mistake in the script', async () => {
    const terminal = scriptedTerminal({ interactive: true, answers: { choose: ['plum'] } })
    await expect(terminal.choose('Which?', fruit)).rejects.toThrow('chooses plum')
  })

  test('what is said can be waited for, before it is said and after', async () => {
    const terminal = scriptedTerminal()
    const heard = terminal.heard(/code (\w+)/)
    terminal.say('nothing')
    terminal.say('your code X1')
    expect((await heard)[1]).toBe('X1')
    expect((await terminal.heard(/code (\w+)/))[1]).toBe('X1')
  })
})
