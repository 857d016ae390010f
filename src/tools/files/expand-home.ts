import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

export type Env = Readonly<Record<string, string | undefined>>

/** Returns a path below the home folder, as most tools find it. */
export function resolveInHome(env: Env, platform: NodeJS.Platform, ...below: string[]): string {
  const [api, home] = platform === 'win32' ? [win32, env.USERPROFILE] : [posix, env.HOME]
  return api.join(home || homedir(), ...below)
}

/** A file in the folder of a tool. */
export interface ToolFile {
  /** The environment variable that sets the folder. */
  variable: string
  /** The folder below home, where the variable is not set. */
  folder: string
  name: string
}

export function resolveInFolder(
  env: Env,
  platform: NodeJS.Platform,
  { variable, folder, name }: ToolFile,
): string {
  const api = platform === 'win32' ? win32 : posix
  const chosen = env[variable]
  return chosen ? api.join(chosen, name) : resolveInHome(env, platform, folder, name)
}
