import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

export type Env = Readonly<Record<string, string | undefined>>

/** A place below the person's home folder, as most tools look for it. */
export function inHome(env: Env, platform: NodeJS.Platform, ...below: string[]): string {
  const [api, home] = platform === 'win32' ? [win32, env.USERPROFILE] : [posix, env.HOME]
  return api.join(home || homedir(), ...below)
}

/** `name` in the folder that a variable says, else in one below the home folder. */
export function inFolder(
  said: string | undefined,
  env: Env,
  platform: NodeJS.Platform,
  folder: string,
  name: string,
): string {
  const api = platform === 'win32' ? win32 : posix
  return said ? api.join(said, name) : inHome(env, platform, folder, name)
}
