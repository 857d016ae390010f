import { describe, expect, test } from 'vitest'
import { isDaypassError } from '../../src/core/errors.ts'
import type { Method, RuntimeEnvironment } from '../../src/core/types.ts'
import { chooseMethod, formatSshCommand } from '../../src/login/choose-method.ts'

const desk: RuntimeEnvironment = {
  platform: 'linux',
  interactive: true,
  ssh: false,
  wsl: false,
  container: false,
  display: true,
  ci: false,
  browserSet: false,
}
const all: Method[] = ['browser', 'paste', 'device', 'token']
const plain: Method[] = ['browser', 'paste']

function choose(given: Partial<RuntimeEnvironment>, offered: Method[] = all, asked?: Method) {
  return chooseMethod({
    runtimeEnvironment: { ...desk, ...given },
    offered,
    asked,
    login: { args: ['acme'], identity: 'work' },
  })
}

function refusal(given: Partial<RuntimeEnvironment>, offered: Method[], asked?: Method) {
  try {
    choose(given, offered, asked)
  } catch (error) {
    if (isDaypassError(error)) return { code: error.code, message: error.message, hint: error.hint }
  }
  throw new Error('it was not refused')
}

describe('on a terminal', () => {
  test('the browser, with the paste prompt beside it', () => {
    expect(choose({})).toEqual({ method: 'browser', openBrowser: true, prompt: true, listen: true, why: '' })
  })

  test.each([
    ['over SSH', { ssh: true, display: false }, /^over SSH: /],
    ['in a container', { container: true, display: false }, /^in a container: /],
    ['without a display', { display: false }, /^no display: /],
  ])('%s a code for another device, else paste, and it says why', (_, given, why) => {
    expect(choose(given)).toMatchObject({
      method: 'device',
      openBrowser: false,
      prompt: false,
      listen: false,
    })
    expect(choose(given).why).toMatch(why)
    const paste = { method: 'paste', openBrowser: false, prompt: true, listen: true }
    expect(choose(given, plain)).toMatchObject(paste)
    expect(choose(given, plain).why).toMatch(why)
  })

  test('only a browser is offered: the address is printed and nothing opened', () => {
    expect(choose({ ssh: true, display: false }, ['browser'])).toMatchObject({
      method: 'browser',
      openBrowser: false,
      prompt: true,
      listen: true,
    })
  })

  test.each([
    ['a forwarded display', { ssh: true, display: true }],
    ['$BROWSER over SSH', { ssh: true, display: false, browserSet: true }],
    ['$BROWSER in a container', { container: true, display: false, browserSet: true }],
  ])('%s: the browser all the same', (_, given) => {
    expect(choose(given)).toMatchObject({ method: 'browser', openBrowser: true })
  })

  test('what was asked for wins', () => {
    expect(choose({ ssh: true, display: false }, all, 'browser')).toMatchObject({
      method: 'browser',
      openBrowser: true,
    })
    expect(choose({}, all, 'paste')).toMatchObject({
      method: 'paste',
      openBrowser: false,
      prompt: true,
      listen: true,
    })
    expect(choose({}, all, 'device')).toMatchObject({ method: 'device', prompt: false, listen: false })
    expect(choose({}, all, 'token')).toMatchObject({ method: 'token', openBrowser: false, listen: false })
  })

  test('tokens and keys are chosen only where nothing else is offered', () => {
    expect(choose({ display: false }, ['token', 'browser']).method).toBe('browser')
    expect(choose({}, ['keys']).method).toBe('keys')
  })

  test('what is not offered is a usage error that names what is', () => {
    expect(refusal({}, plain, 'device')).toEqual({
      code: 'usage',
      message: 'the method device is not offered here, only browser, paste',
      hint: 'daypass login acme work --method browser',
    })
  })
})

describe('without a terminal', () => {
  const alone = { interactive: false }

  test('a browser where one can be opened, and nothing is asked', () => {
    const expected = { method: 'browser', openBrowser: true, prompt: false, listen: true }
    expect(choose({ ...alone })).toMatchObject(expected)
    expect(choose({ ...alone, display: false, browserSet: true })).toMatchObject(expected)
  })

  test('a build machine has a display and no person before it', () => {
    expect(choose({ ...alone, ci: true }).method).toBe('device')
    expect(choose({ ...alone, ci: true, browserSet: true }).method).toBe('browser')
  })

  test('paste reads stdin and listens on nothing', () => {
    expect(choose({ ...alone }, all, 'paste')).toMatchObject({
      listen: false,
      prompt: true,
      openBrowser: false,
    })
  })

  test('else the device flow, else nothing at once, with what would work', () => {
    const dark = { ...alone, display: false }
    expect(choose(dark).method).toBe('device')
    expect(refusal(dark, ['browser', 'paste', 'token'])).toEqual({
      code: 'login_required',
      message: 'no terminal and no browser to log in with',
      hint: 'daypass login acme work --token-stdin, or daypass login acme work --start --json, or daypass login acme work --no-browser',
    })
    expect(refusal(dark, plain).hint).not.toContain('--token-stdin')
    expect(refusal(dark, ['token']).hint).toBe('daypass login acme work --token-stdin')
  })

  test('every set of facts and offers gives a choice or an error of ours', () => {
    const flags = ['interactive', 'ssh', 'container', 'display', 'ci', 'browserSet'] as const
    for (let bits = 0; bits < 1 << flags.length; bits++) {
      const given = Object.fromEntries(flags.map((flag, index) => [flag, Boolean(bits & (1 << index))]))
      for (const offered of [all, plain, ['browser'], ['device'], ['token'], ['keys'], []] as Method[][]) {
        try {
          expect(offered).toContain(choose(given, offered).method)
        } catch (error) {
          expect(isDaypassError(error)).toBe(true)
        }
      }
    }
  })
})

describe('the line that forwards the port', () => {
  test.each([
    [
      'the server as it was reached',
      { SSH_CONNECTION: '10.0.0.9 51000 192.0.2.7 22', USER: 'ann' },
      'ssh -L 8765:127.0.0.1:8765 ann@192.0.2.7',
    ],
    [
      'another port',
      { SSH_CONNECTION: '10.0.0.9 51000 2001:db8::7 2222', LOGNAME: 'ann' },
      'ssh -p 2222 -L 8765:127.0.0.1:8765 ann@2001:db8::7',
    ],
    ['no user', { SSH_CONNECTION: '10.0.0.9 51000 192.0.2.7 22' }, 'ssh -L 8765:127.0.0.1:8765 192.0.2.7'],
    [
      'a user that is no name',
      { SSH_CONNECTION: '1.1.1.1 5 192.0.2.7 22', USER: '$(id)' },
      'ssh -L 8765:127.0.0.1:8765 192.0.2.7',
    ],
    ['no session', { USER: 'ann' }, undefined],
    ['an address that is none', { SSH_CONNECTION: 'a b $(id) 22' }, undefined],
  ])('%s', (_, env, line) => {
    expect(formatSshCommand(env, 8765)).toBe(line)
  })
})
