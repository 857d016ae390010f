/** Locates the files of AWS' tools, and reads their settings. */

import { type Env, resolveInHome } from '../files/expand-home.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { parseProfiles } from './ini.ts'

export interface AwsPaths {
  config: string
  credentials: string
  /** The folder of the sessions of `aws login`. */
  loginCache: string
}

export function resolveAwsPaths(env: Env, platform: NodeJS.Platform = process.platform): AwsPaths {
  const at = (said: string | undefined, ...usual: string[]) =>
    said
      ? said.replace(/^~(?=$|[/\\])/, () => resolveInHome(env, platform))
      : resolveInHome(env, platform, '.aws', ...usual)
  return {
    config: at(env.AWS_CONFIG_FILE, 'config'),
    credentials: at(env.AWS_SHARED_CREDENTIALS_FILE, 'credentials'),
    loginCache: at(env.AWS_LOGIN_CACHE_DIRECTORY, 'login', 'cache'),
  }
}

/** Returns the profile that AWS' tools use by default. */
export function getAwsProfile(env: Env): string {
  return env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || 'default'
}

/** Reads the region of the current profile from the config file. Returns undefined for an unreadable file. */
export function readAwsRegion(env: Env, platform?: NodeJS.Platform): string | undefined {
  try {
    const { text } = readForeignFile(resolveAwsPaths(env, platform).config)
    return parseProfiles(text, 'config').get(getAwsProfile(env))?.get('region')
  } catch {
    return undefined
  }
}
