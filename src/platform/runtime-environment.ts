import type { RuntimeEnvironment } from '../core/types.ts'

/** Reads the files that tell where we run. No method throws. */
interface SystemFiles {
  exists(path: string): boolean
  /** Returns undefined where it cannot be read. */
  read(path: string): string | undefined
}

export interface RuntimeSources {
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  interactive: boolean
  files: SystemFiles
}

/** Detects the environment once. {@link RuntimeEnvironment} holds facts; `login/choose-method` decides. */
export function detectRuntimeEnvironment({
  env,
  platform,
  interactive,
  files,
}: RuntimeSources): RuntimeEnvironment {
  const ssh = Boolean(env.SSH_CONNECTION || env.SSH_TTY || env.SSH_CLIENT)
  const container = platform === 'linux' && isContainer(env, files)
  const wsl = platform === 'linux' && isWsl(env, files, container)
  return {
    platform,
    interactive,
    ssh,
    wsl,
    container,
    display: !isBrowserRefused(env) && hasDisplay(env, platform, ssh, wsl),
    ci: isSet(env.CI),
    browserSet: Boolean(env.BROWSER?.trim()) && !isBrowserRefused(env),
  }
}

/**
 * Returns true for `BROWSER=none` and an empty `BROWSER`: open no browser. create-react-app and many others
 * use the first, test harnesses the second.
 */
export function isBrowserRefused(env: Readonly<Record<string, string | undefined>>): boolean {
  const stated = env.BROWSER?.trim().toLowerCase()
  return stated === '' || stated === 'none'
}

type Env = RuntimeSources['env']

function hasDisplay(env: Env, platform: NodeJS.Platform, ssh: boolean, wsl: boolean): boolean {
  if (platform === 'darwin' || platform === 'win32') return !ssh
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY) || (wsl && !ssh)
}

function isContainer(env: Env, files: SystemFiles): boolean {
  if (isSet(env.CODESPACES) || isSet(env.REMOTE_CONTAINERS) || env.container) return true
  if (env.KUBERNETES_SERVICE_HOST) return true
  if (files.exists('/.dockerenv') || files.exists('/run/.containerenv')) return true
  return /docker|kubepods|containerd|libpod|lxc/.test(files.read('/proc/1/cgroup') ?? '')
}

function isWsl(env: Env, files: SystemFiles, container: boolean): boolean {
  if (env.WSL_DISTRO_NAME) return true
  // A container on Docker Desktop also runs on Microsoft's kernel, but cannot use Windows programs.
  return !container && /microsoft/i.test(files.read('/proc/version') ?? '')
}

function isSet(value: string | undefined): boolean {
  return Boolean(value) && !/^(0|false|no)$/i.test(value ?? '')
}
