/** Where AWS's tools keep their files, and what they would take from them. */

import { type Env, resolveInHome } from '../files/expand-home.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { parseProfiles } from './ini.ts'

export interface AwsPaths {
  config: string
  credentials: string
  /** The folder of `aws login`'s sessions. */
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

/** The profile that AWS's tools use where none is named. */
export function getAwsProfile(env: Env): string {
  return env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || 'default'
}

/** The region of the profile in use, from the config file. A file that cannot be read has none. */
export function readAwsRegion(env: Env, platform?: NodeJS.Platform): string | undefined {
  try {
    const { text } = readForeignFile(resolveAwsPaths(env, platform).config)
    return parseProfiles(text, 'config').get(getAwsProfile(env))?.get('region')
  } catch {
    return undefined
  }
}
