import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { resolveAliyunConfigPath } from '../../../src/tools/alibaba/config-file.ts'
import { type AliyunSetup, createAliyunSetup, undoAliyunSetup } from '../../../src/tools/alibaba/setup.ts'
import { applySetup, previewSetup, type UndoFilter, undoSetup } from '../../../src/tools/setup-plan.ts'
import { folderOf } from '../../vault/support.ts'

export const COMMAND = ['/usr/bin/node', '/opt/daypass/cli.cjs', 'credential-process', 'work']
export const LINE = COMMAND.join(' ')

const REQUEST: AliyunSetup = {
  profile: 'work',
  identity: 'work',
  region: 'cn-hangzhou',
  command: COMMAND,
}

export type AliyunHome = ReturnType<typeof aliyunHome>

/** A home of the test's own, as aliyun and the SDKs see it, and our own state beside it. */
export function aliyunHome(context: Pick<TestContext, 'onTestFinished'>) {
  const home = folderOf(context)
  const path = resolveAliyunConfigPath({ HOME: home }, 'linux')
  const ledger = join(home, 'state', 'tools.json')
  const of = (request: Partial<AliyunSetup>) => createAliyunSetup({ ...REQUEST, ...request }, path, 'linux')
  return {
    home,
    path,
    ledger,
    put(text: string, mode = 0o600) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, text, { mode })
      return text
    },
    text: () => readFileSync(path, 'utf8'),
    json: () => JSON.parse(readFileSync(path, 'utf8')) as { current?: string; profiles: Profile[] },
    preview: (request: Partial<AliyunSetup> = {}) => previewSetup(of(request), ledger),
    setUp: (request: Partial<AliyunSetup> = {}) => applySetup(of(request), ledger),
    undo: (meant: UndoFilter = {}) => undoSetup(ledger, 'alibaba', meant, undoAliyunSetup),
  }
}

type Profile = Record<string, unknown>

/** As aliyun writes it, and what it does not know. */
export const HAND_MADE = `{
	"current": "default",
	"profiles": [
		{
			"name": "default",
			"mode": "AK",
			"access_key_id": "LTAI5tOld",
			"access_key_secret": "hush-old",
			"region_id": "cn-beijing",
			"output_format": "json",
			"language": "\\u4e2d",
			"unknown": [1.0, 12345678901234567890, {}],
			"retry_timeout": 0
		}
	],
	"meta_path": "",
	"of somebody": null
}`
