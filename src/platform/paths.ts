import { posix, win32 } from 'node:path'
import { DaypassError } from '../core/errors.ts'

/** Where our files are. Files are 0600 and folders 0700; the code that creates them sets this. */
export interface Paths {
  /** `config.yaml`, written by the person (and by `provider add|remove`). */
  config: string
  dataDir: string
  /** The folder of records. */
  vault: string
  /** The default that `use` stores. */
  state: string
  stateDir: string
  audit: string
  /** Sockets and bearer files. Most systems empty this folder at a restart. */
  runtimeDir: string
}

type Env = Readonly<Record<string, string | undefined>>
type PathApi = typeof posix

interface Folders {
  config: string
  data: string
  state: string
  runtime: string
}

/**
 * Resolves all paths. Used on the fast path: it reads only the environment, and asks the system for the home
 * folder only where the environment has none.
 */
export function resolvePaths(
  env: Env,
  platform: NodeJS.Platform,
  homedir: () => string = getSystemHome,
): Paths {
  const api = platform === 'win32' ? win32 : posix
  const folders = env.DAYPASS_HOME
    ? buildHomeFolders(api, api.resolve(env.DAYPASS_HOME))
    : buildPlatformFolders(api, env, homedir)
  return {
    config: env.DAYPASS_CONFIG ? api.resolve(env.DAYPASS_CONFIG) : api.join(folders.config, 'config.yaml'),
    dataDir: folders.data,
    vault: api.join(folders.data, 'vault'),
    state: api.join(folders.data, 'state.json'),
    stateDir: folders.state,
    audit: api.join(folders.state, 'audit.jsonl'),
    runtimeDir: folders.runtime,
  }
}

function buildHomeFolders(api: PathApi, home: string): Folders {
  return { config: home, data: home, state: home, runtime: api.join(home, 'run') }
}

function buildPlatformFolders(api: PathApi, env: Env, homedir: () => string): Folders {
  const resolveFolder = (name: string, ...fallback: string[]) => {
    const value = env[name]
    // "All paths set in these environment variables must be absolute. If [one is] relative [it is] invalid
    // and [to be ignored]" (XDG Base Directory Specification 0.8).
    return value && api.isAbsolute(value) ? value : api.join(resolveHome(api, env, homedir), ...fallback)
  }
  return api === win32 ? buildWindowsFolders(resolveFolder) : buildXdgFolders(resolveFolder, env)
}

type ResolveFolder = (name: string, ...fallback: string[]) => string

function buildWindowsFolders(resolveFolder: ResolveFolder): Folders {
  const local = win32.join(resolveFolder('LOCALAPPDATA', 'AppData', 'Local'), 'daypass')
  const roaming = win32.join(resolveFolder('APPDATA', 'AppData', 'Roaming'), 'daypass')
  return { config: roaming, data: local, state: local, runtime: win32.join(local, 'run') }
}

function buildXdgFolders(resolveFolder: ResolveFolder, env: Env): Folders {
  const state = posix.join(resolveFolder('XDG_STATE_HOME', '.local', 'state'), 'daypass')
  const runtime = env.XDG_RUNTIME_DIR
  return {
    config: posix.join(resolveFolder('XDG_CONFIG_HOME', '.config'), 'daypass'),
    data: posix.join(resolveFolder('XDG_DATA_HOME', '.local', 'share'), 'daypass'),
    state,
    runtime: runtime && posix.isAbsolute(runtime) ? posix.join(runtime, 'daypass') : posix.join(state, 'run'),
  }
}

function resolveHome(api: PathApi, env: Env, homedir: () => string): string {
  const stated = api === win32 ? env.USERPROFILE : env.HOME
  if (stated && api.isAbsolute(stated)) return stated
  const found = tryOrUndefined(homedir)
  if (found && api.isAbsolute(found)) return found
  throw new DaypassError('configuration', 'no home folder: HOME is not set and the system knows none', {
    hint: 'set DAYPASS_HOME to a folder of your own',
  })
}

/** Returns undefined where `os.homedir()` throws: many containers have no password entry for the user. */
function tryOrUndefined(ask: () => string): string | undefined {
  try {
    return ask()
  } catch {
    return undefined
  }
}

function getSystemHome(): string {
  return process.getBuiltinModule('node:os').homedir()
}

/** Returns undefined where the working folder was removed. */
export const getWorkingFolder = () => tryOrUndefined(() => process.cwd())
