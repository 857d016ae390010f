import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser } from '../../src/platform/browser.ts'
import { parseBrowserCommand, parseBrowserList } from '../../src/platform/browser-list.ts'
import { listSystemOpeners } from '../../src/platform/system-openers.ts'

const URL_ = 'https://id.example/authorize?client_id=a&state=b;c|d'

let folder: string
let bin: string
let system: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daypass browser-'))
  bin = join(folder, 'bin')
  system = join(folder, 'system')
  for (const each of [bin, system]) mkdirSync(each)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A browser that writes its arguments down, one per line, and then does as told. */
function browser(name: string, then = 'exit 0', where = bin): string {
  const path = join(where, name)
  writeFileSync(
    path,
    `#!/bin/sh\nprintf '%s\\n' "$@" > '${path}.called.part'\nmv '${path}.called.part' '${path}.called'\necho noise; echo noise >&2\n${then}\n`,
  )
  chmodSync(path, 0o755)
  return path
}

function called(name: string, where = bin): string[] | undefined {
  const path = join(where, `${name}.called`)
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : undefined
}

function open(BROWSER: string | undefined, { url = URL_, command = undefined as string | undefined } = {}) {
  const env = { PATH: `${bin}:${system}:/usr/bin:/bin`, ...(BROWSER === undefined ? {} : { BROWSER }) }
  return openBrowser(url, { command, env, platform: 'linux', wsl: false })
}

describe.skipIf(process.platform === 'win32')('$BROWSER', () => {
  beforeEach(() => {
    browser('xdg-open', 'exit 0', system)
  })

  test('is run with the URL as one argument, without a shell', async () => {
    browser('mine')
    expect(await open('mine')).toBe(true)
    expect(called('mine')).toEqual([URL_])
    expect(called('xdg-open', system)).toBeUndefined()
  })

  test('%s is the URL, wherever it stands', async () => {
    browser('mine')
    expect(await open('mine --new-window --url=%s "a b" \'c d\'')).toBe(true)
    expect(called('mine')).toEqual(['--new-window', `--url=${URL_}`, 'a b', 'c d'])
  })

  test('a program with spaces in its path, and an absolute one', async () => {
    const path = browser('my browser')
    expect(await open(path)).toBe(true)
    expect(called('my browser')).toEqual([URL_])
  })

  test('a list: those that are missing or fail are passed over', async () => {
    browser('bad', 'exit 3')
    browser('good')
    expect(await open('missing:bad -x:good -P %s')).toBe(true)
    expect(called('bad')).toEqual(['-x', URL_])
    expect(called('good')).toEqual(['-P', URL_])
  })

  test('all of the list failed: the system’s', async () => {
    browser('bad', 'exit 1')
    expect(await open('bad')).toBe(true)
    expect(called('xdg-open', system)).toEqual([URL_])
  })

  test('everything failed: no browser', async () => {
    browser('bad', 'exit 1')
    for (const name of ['xdg-open', 'sensible-browser', 'x-www-browser']) browser(name, 'exit 4', system)
    expect(await open('bad')).toBe(false)
    expect(called('x-www-browser', system)).toEqual([URL_])
  })

  test('one that goes on running took the URL, after two seconds', async () => {
    browser('slow', 'sleep 4')
    const started = performance.now()
    expect(await open('slow')).toBe(true)
    expect(performance.now() - started).toBeGreaterThan(1_800)
    expect(performance.now() - started).toBeLessThan(3_500)
  })

  test('one that is killed failed', async () => {
    browser('killed', 'kill -9 $$')
    browser('good')
    expect(await open('killed:good')).toBe(true)
    expect(called('good')).toEqual([URL_])
  })

  test('it gets neither our standard input nor our terminal', async () => {
    const path = browser('nosy', `cat > '${bin}/stdin'; tty > '${bin}/tty'; exit 0`)
    expect(await open(path)).toBe(true)
    expect(readFileSync(join(bin, 'stdin'), 'utf8')).toBe('')
    expect(readFileSync(join(bin, 'tty'), 'utf8')).toContain('not a tty')
  })

  test.each(['', 'none', ' NONE '])('%j opens nothing at all', async (value) => {
    expect(await open(value)).toBe(false)
    expect(called('xdg-open', system)).toBeUndefined()
  })

  test('--browser takes its place, and nothing else is tried when it fails', async () => {
    browser('mine')
    browser('chosen', 'exit 1')
    expect(await open('mine', { command: 'chosen --profile "My: work"' })).toBe(false)
    expect(called('chosen')).toEqual(['--profile', 'My: work', URL_])
    expect([called('mine'), called('xdg-open', system)]).toEqual([undefined, undefined])
    expect(await open('none', { command: 'mine' })).toBe(true)
  })

  test('nothing of the current folder is ever run', async () => {
    const before = process.cwd()
    browser('local')
    browser('xdg-open', 'exit 0', bin)
    process.chdir(bin)
    try {
      for (const PATH of ['', '.', ':', './bin:']) {
        for (const BROWSER of ['local', './local', undefined]) {
          const env = { PATH, ...(BROWSER ? { BROWSER } : {}) }
          expect(await openBrowser(URL_, { env, platform: 'linux', wsl: false })).toBe(false)
        }
      }
    } finally {
      process.chdir(before)
    }
    expect([called('local'), called('xdg-open')]).toEqual([undefined, undefined])
  })

  test('a relative path is no program, from wherever it starts', async () => {
    browser('outside')
    mkdirSync(join(bin, 'nested'))
    for (const BROWSER of ['../outside', 'nested/../outside', './outside']) {
      const env = { PATH: `${bin}/nested:${bin}`, BROWSER }
      expect(await openBrowser(URL_, { env, platform: 'linux', wsl: false })).toBe(false)
    }
    expect(called('outside')).toBeUndefined()
  })

  test('a URL that does not pass goes nowhere', async () => {
    browser('mine')
    for (const url of [
      'http://id.example/',
      'https://a/$(id)',
      'file:///etc/passwd',
      '--help',
      "https://a/'",
    ]) {
      expect(await open('mine', { url })).toBe(false)
    }
    expect(called('mine')).toBeUndefined()
  })
})

describe('other systems', () => {
  test('batch files are refused: cmd.exe would read the URL again', () => {
    for (const name of ['run.cmd', 'run.BAT']) {
      const path = browser(name)
      const options = { env: { PATH: bin }, platform: 'linux', wsl: false } as const
      expect(parseBrowserCommand(path, URL_, options)).toEqual([])
      expect(parseBrowserCommand(name, URL_, options)).toEqual([])
    }
  })

  test('a list on Windows is separated by ;', () => {
    const [one, two] = [browser('one'), browser('two')]
    const options = { env: { PATH: bin }, platform: 'linux', wsl: false } as const
    expect(parseBrowserList(`${one}:${two}`, URL_, options)).toHaveLength(2)
    // On Windows `:` belongs to a path, so this is one command, and nothing of that name is there.
    expect(parseBrowserList(`${one}:${two}`, URL_, { ...options, platform: 'win32' })).toEqual([])
  })

  test('WSL asks Windows first', () => {
    browser('wslview')
    browser('xdg-open')
    const names = listSystemOpeners(URL_, { env: { PATH: bin }, platform: 'linux', wsl: true }).map(
      ([program]) => program,
    )
    expect(names).toEqual([join(bin, 'wslview'), join(bin, 'xdg-open')])
    expect(listSystemOpeners(URL_, { env: { PATH: bin }, platform: 'linux', wsl: false })).toHaveLength(1)
  })
})
