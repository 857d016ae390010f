/** Reads the configuration of Alibaba Cloud's CLI, `~/.aliyun/config.json`, which its SDKs also use. */
import { win32 } from 'node:path'
import { type Env, resolveInHome } from '../files/expand-home.ts'
import { createNotJsonError, isJson, type Json, parseObject } from '../files/json-edit.ts'

/** Returns the path. No environment variable changes it for all of its readers. */
export function resolveAliyunConfigPath(env: Env, platform: NodeJS.Platform = process.platform): string {
  const below = ['.aliyun', 'config.json'] as const
  const windows = platform === 'win32' && `${env.HOMEDRIVE ?? ''}${env.HOMEPATH ?? ''}`
  return windows ? win32.join(windows, ...below) : resolveInHome(env, platform, ...below)
}

export interface AliyunConfig {
  /** The profile used by default; empty for none. */
  current: string
  profiles: readonly AliyunProfile[]
}

/** Other members have any type. */
export type AliyunProfile = Json & { name: string }

/** Parses the configuration. Empty where the text is empty. */
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
