import { describe, expect, test } from 'vitest'
import { detectRuntimeEnvironment } from '../../src/platform/runtime-environment.ts'

type Env = Record<string, string>

function look(env: Env, files: Record<string, string> = {}, platform: NodeJS.Platform = 'linux') {
  return detectRuntimeEnvironment({
    env,
    platform,
    interactive: true,
    files: { exists: (path) => path in files, read: (path) => files[path] },
  })
}

const WSL_KERNEL = { '/proc/version': 'Linux version 5.15.153.1-microsoft-standard-WSL2' }

test('an ordinary desk', () => {
  expect(look({ DISPLAY: ':0' })).toEqual({
    platform: 'linux',
    interactive: true,
    ssh: false,
    wsl: false,
    container: false,
    display: true,
    ci: false,
    browserSet: false,
  })
})

test.each<[string, Env, Record<string, string>, object]>([
  ['wayland', { WAYLAND_DISPLAY: 'wayland-0' }, {}, { display: true }],
  ['SSH', { SSH_CONNECTION: '1 2 3 4' }, {}, { ssh: true, display: false }],
  ['SSH without its connection', { SSH_TTY: '/dev/pts/0' }, {}, { ssh: true }],
  [
    'SSH with a forwarded display',
    { SSH_TTY: 'x', DISPLAY: 'localhost:10.0' },
    {},
    { ssh: true, display: true },
  ],
  ['docker', {}, { '/.dockerenv': '' }, { container: true, display: false }],
  ['podman', {}, { '/run/.containerenv': '' }, { container: true }],
  ['a cgroup', {}, { '/proc/1/cgroup': '0::/kubepods/besteffort/pod1' }, { container: true }],
  ['an ordinary cgroup', {}, { '/proc/1/cgroup': '0::/init.scope' }, { container: false }],
  ['codespaces', { CODESPACES: 'true' }, {}, { container: true }],
  ['a dev container', { REMOTE_CONTAINERS: 'true' }, {}, { container: true }],
  ['WSL by its variable', { WSL_DISTRO_NAME: 'Ubuntu' }, {}, { wsl: true, display: true }],
  ['WSL by its kernel', {}, WSL_KERNEL, { wsl: true, display: true }],
  ['WSL over SSH', { WSL_DISTRO_NAME: 'Ubuntu', SSH_TTY: 'x' }, {}, { wsl: true, display: false }],
  [
    'a container on WSL’s kernel',
    {},
    { ...WSL_KERNEL, '/.dockerenv': '' },
    { wsl: false, container: true, display: false },
  ],
  ['CI', { CI: '1' }, {}, { ci: true }],
  ['CI=false', { CI: 'false' }, {}, { ci: false }],
  ['$BROWSER', { BROWSER: 'firefox' }, {}, { browserSet: true, display: false }],
  ['BROWSER=none', { BROWSER: 'none', DISPLAY: ':0' }, {}, { browserSet: false, display: false }],
  ['an empty BROWSER', { BROWSER: '', DISPLAY: ':0' }, {}, { browserSet: false, display: false }],
])('%s', (_, env, files, expected) => {
  expect(look(env, files)).toMatchObject(expected)
})

describe.each(['darwin', 'win32'] as const)('%s', (platform) => {
  test('always has a display, but not over SSH', () => {
    expect(look({}, {}, platform).display).toBe(true)
    expect(look({ SSH_CONNECTION: '1 2 3 4' }, {}, platform).display).toBe(false)
    expect(look({ container: 'x' }, WSL_KERNEL, platform)).toMatchObject({ wsl: false, container: false })
  })
})
