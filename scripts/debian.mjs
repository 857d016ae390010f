import { execFileSync, spawnSync } from 'node:child_process'

/** Programs that the suite needs besides Node: Debian packages, and the tests that need them. */
const WANTED = [
  { command: 'chromium', packages: ['chromium'], tests: 'logins in a real browser' },
  { command: 'gnome-keyring-daemon', packages: ['gnome-keyring'], tests: 'the OS keychain' },
  { command: 'dbus-run-session', packages: ['dbus', 'dbus-daemon'], tests: 'the OS keychain' },
  { command: 'secret-tool', packages: ['libsecret-tools'], tests: 'the OS keychain' },
  { command: 'gdbus', packages: ['libglib2.0-bin'], tests: 'the OS keychain' },
  { command: 'strace', packages: ['strace'], tests: 'that what is kept is on the disk' },
  { command: '/usr/bin/aws', packages: ['awscli'], tests: 'what AWS’ own command line gets from us' },
  { command: 'git', packages: ['git'], tests: 'clones and pushes with what git gets from us' },
  { command: 'curl', packages: ['curl'], tests: 'what a program in a sandbox gets from us' },
  { command: 'python3', packages: ['python3'], tests: 'that we wait for the locks of other tools' },
  { command: 'openssl', packages: ['openssl'], tests: 'git and kubectl over TLS' },
  { command: 'kubectl', packages: ['kubernetes-client'], tests: 'what kubectl gets from us' },
  // Debian's package is too large for a few tests, and it brings a daemon that the tests do not need.
  { command: 'docker', packages: [], tests: 'what docker gets from us' },
  {
    command: 'terraform',
    packages: [],
    tests: 'Terraform with a backend that wants keys, across their expiry',
  },
  ...['bash', 'fish', 'zsh'].map((shell) => ({
    command: shell,
    packages: [shell],
    tests: `completion and variables in ${shell}`,
  })),
  ...['busybox', 'ksh93', 'mksh', 'posh', 'yash'].map((shell) => ({
    command: shell,
    packages: [shell === 'ksh93' ? 'ksh93u+m' : shell],
    tests: `variables in ${shell}`,
  })),
]

const installed = (command) =>
  spawnSync('sh', ['-c', `command -v "$0"`, command], { stdio: 'ignore' }).status === 0

const missing = () => WANTED.filter(({ command }) => !installed(command))

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  execFileSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 600_000,
  })
}

function install(packages) {
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...packages)
}

/** Tries twice, because mirrors fail, then one by one: a missing package blocks no other. */
function installAll(packages) {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return install(packages)
    } catch {
      // It is tried again. Programs that are still missing are reported at the end.
    }
  }
  for (const one of packages) {
    try {
      apt('install', '-y', '--no-install-recommends', one)
    } catch {
      // The caller reports it.
    }
  }
}

const canInstall = () => process.getuid?.() === 0 && installed('apt-get')

/** Installs missing programs where that is allowed. Returns the ones that are still missing. */
export function providePrograms(say) {
  const absent = missing()
  if (absent.length === 0) return []
  const packages = [...new Set(absent.flatMap((one) => one.packages))]
  if (packages.length > 0 && canInstall()) {
    say(`installing ${packages.join(' ')} …`)
    installAll(packages)
  }
  return missing().map(({ command, tests }) => ({ command, tests }))
}
