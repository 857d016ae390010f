/** The configuration of Alibaba Cloud's command line, `~/.aliyun/config.json`, which its SDKs read and write, too. */
import { win32 } from 'node:path'
import { type Env, resolveInHome } from '../files/expand-home.ts'
import { createNotJsonError, isJson, type Json, parseObject } from '../files/json-edit.ts'

/** There is no variable that says another place to all of its readers. */
export function resolveAliyunConfigPath(env: Env, platform: NodeJS.Platform = process.platform): string {
  const below = ['.aliyun', 'config.json'] as const
  const windows = platform === 'win32' && `${env.HOMEDRIVE ?? ''}${env.HOMEPATH ?? ''}`
  return windows ? win32.join(windows, ...below) : resolveInHome(env, platform, ...below)
}

export interface AliyunConfig {
  /** The profile that is used where none is named; empty where nobody says. */
  current: string
  profiles: readonly AliyunProfile[]
}

/** Other members are of any kind. */
export type AliyunProfile = Json & { name: string }

/** Empty where nothing stands there. */
export function parseAliyunConfig(text: string, path: string): AliyunConfig {
  if (text.trim() === '') return { current: '', profiles: [] }
  const { current = '', profiles } = parseObject(text, path)
  if (typeof current !== 'string') throw createNotJsonError(path, '"current" is no text')
  // Go writes an empty list as null.
  if (!Array.isArray(profiles ?? [])) throw createNotJsonError(path, '"profiles" is no list')
  return { current, profiles: ((profiles ?? []) as unknown[]).filter(isAliyunProfile) }
}

const isAliyunProfile = (said: unknown): said is AliyunProfile =>
  isJson(said) && typeof said.name === 'string'
