/** The configuration of Alibaba Cloud's command line, `~/.aliyun/config.json`, which its SDKs read and write, too. */
import { win32 } from 'node:path'
import { type Env, inHome } from '../files/expand-home.ts'
import { isJson, type Json, notJson, parseObject } from '../files/json-edit.ts'

/** There is no variable that says another place to all of its readers. */
export function aliyunConfigPath(env: Env, platform: NodeJS.Platform = process.platform): string {
  const below = ['.aliyun', 'config.json'] as const
  const windows = platform === 'win32' && `${env.HOMEDRIVE ?? ''}${env.HOMEPATH ?? ''}`
  return windows ? win32.join(windows, ...below) : inHome(env, platform, ...below)
}

export interface AliyunConfig {
  /** The profile that is used where none is named; empty where nobody says. */
  current: string
  profiles: readonly AliyunProfile[]
}

/** Other members are of any kind. */
export type AliyunProfile = Json & { name: string }

/** Empty where nothing stands there. */
export function readAliyun(text: string, path: string): AliyunConfig {
  if (text.trim() === '') return { current: '', profiles: [] }
  const { current = '', profiles } = parseObject(text, path)
  if (typeof current !== 'string') throw notJson(path, '"current" is no text')
  // Go writes an empty list as null.
  if (!Array.isArray(profiles ?? [])) throw notJson(path, '"profiles" is no list')
  return { current, profiles: ((profiles ?? []) as unknown[]).filter(isProfile) }
}

const isProfile = (said: unknown): said is AliyunProfile => isJson(said) && typeof said.name === 'string'
