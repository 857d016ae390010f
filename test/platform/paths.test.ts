import { describe, expect, test } from 'vitest'
import { resolvePaths } from '../../src/platform/paths.ts'

const nobody = () => {
  throw new Error('no row in the password database')
}

describe('Linux and macOS', () => {
  test('the XDG defaults', () => {
    const expected = {
      config: '/home/ann/.config/daypass/config.yaml',
      dataDir: '/home/ann/.local/share/daypass',
      vault: '/home/ann/.local/share/daypass/vault',
      state: '/home/ann/.local/share/daypass/state.json',
      stateDir: '/home/ann/.local/state/daypass',
      audit: '/home/ann/.local/state/daypass/audit.jsonl',
      runtimeDir: '/home/ann/.local/state/daypass/run',
    }
    expect(resolvePaths({ HOME: '/home/ann' }, 'linux', nobody)).toEqual(expected)
    expect(resolvePaths({ HOME: '/home/ann' }, 'darwin', nobody)).toEqual(expected)
  })

  test('the XDG variables', () => {
    const env = {
      XDG_CONFIG_HOME: '/c',
      XDG_DATA_HOME: '/d',
      XDG_STATE_HOME: '/s',
      XDG_RUNTIME_DIR: '/run/user/1000',
    }
    expect(resolvePaths(env, 'linux', nobody)).toEqual({
      config: '/c/daypass/config.yaml',
      dataDir: '/d/daypass',
      vault: '/d/daypass/vault',
      state: '/d/daypass/state.json',
      stateDir: '/s/daypass',
      audit: '/s/daypass/audit.jsonl',
      runtimeDir: '/run/user/1000/daypass',
    })
  })

  test('relative ones are ignored, as the specification says, and empty ones too', () => {
    const env = {
      HOME: '/h',
      XDG_CONFIG_HOME: 'c',
      XDG_DATA_HOME: './d',
      XDG_STATE_HOME: '',
      XDG_RUNTIME_DIR: 'r',
    }
    expect(resolvePaths(env, 'linux', nobody)).toEqual(resolvePaths({ HOME: '/h' }, 'linux', nobody))
  })

  test('DAYPASS_HOME holds everything, DAYPASS_CONFIG wins for the configuration', () => {
    expect(resolvePaths({ DAYPASS_HOME: '/x', XDG_DATA_HOME: '/d' }, 'linux', nobody)).toEqual({
      config: '/x/config.yaml',
      dataDir: '/x',
      vault: '/x/vault',
      state: '/x/state.json',
      stateDir: '/x',
      audit: '/x/audit.jsonl',
      runtimeDir: '/x/run',
    })
    expect(resolvePaths({ DAYPASS_HOME: '/x', DAYPASS_CONFIG: '/y/my.yaml' }, 'linux', nobody).config).toBe(
      '/y/my.yaml',
    )
  })

  test('without HOME the system is asked; where it knows none either, an error says what to do', () => {
    expect(resolvePaths({}, 'linux', () => '/root').dataDir).toBe('/root/.local/share/daypass')
    expect(resolvePaths({ HOME: 'relative' }, 'linux', () => '/root').dataDir).toBe(
      '/root/.local/share/daypass',
    )
    for (const homedir of [nobody, () => '', () => 'relative']) {
      expect(() => resolvePaths({}, 'linux', homedir)).toThrow(
        expect.objectContaining({ code: 'configuration', hint: expect.stringContaining('DAYPASS_HOME') }),
      )
    }
  })
})

describe('Windows', () => {
  test('roaming configuration, local data', () => {
    const env = {
      APPDATA: 'C:\\Users\\ann\\AppData\\Roaming',
      LOCALAPPDATA: 'C:\\Users\\ann\\AppData\\Local',
    }
    const expected = {
      config: 'C:\\Users\\ann\\AppData\\Roaming\\daypass\\config.yaml',
      dataDir: 'C:\\Users\\ann\\AppData\\Local\\daypass',
      vault: 'C:\\Users\\ann\\AppData\\Local\\daypass\\vault',
      state: 'C:\\Users\\ann\\AppData\\Local\\daypass\\state.json',
      stateDir: 'C:\\Users\\ann\\AppData\\Local\\daypass',
      audit: 'C:\\Users\\ann\\AppData\\Local\\daypass\\audit.jsonl',
      runtimeDir: 'C:\\Users\\ann\\AppData\\Local\\daypass\\run',
    }
    expect(resolvePaths(env, 'win32', nobody)).toEqual(expected)
    expect(resolvePaths({ USERPROFILE: 'C:\\Users\\ann' }, 'win32', nobody)).toEqual(expected)
  })
})
