import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'
import { createAwsSetup, undoAwsSetup } from '../../../src/tools/aws/apply-setup.ts'
import { resolveAwsPaths } from '../../../src/tools/aws/paths.ts'
import type { AwsSetup } from '../../../src/tools/aws/setup.ts'
import { applySetup, previewSetup, type UndoFilter, undoSetup } from '../../../src/tools/setup-plan.ts'
import { folderOf } from '../../vault/support.ts'

/** A home of the test's own, as AWS's tools see it, and our own state beside it. */
export function awsHome(context: Pick<TestContext, 'onTestFinished'>) {
  const home = folderOf(context)
  const env = { HOME: home, PATH: process.env.PATH ?? '', AWS_EC2_METADATA_DISABLED: 'true' }
  const paths = resolveAwsPaths(env, 'linux')
  return { home, env, paths, ledger: join(home, 'state', 'tools.json') }
}

export type AwsHome = Pick<ReturnType<typeof awsHome>, 'paths' | 'ledger'>

export const previewAws = (request: AwsSetup, { paths, ledger }: AwsHome) =>
  previewSetup(createAwsSetup(request, paths), ledger)

export const setUpAws = (request: AwsSetup, { paths, ledger }: AwsHome) =>
  applySetup(createAwsSetup(request, paths), ledger)

export const undoAws = ({ ledger }: Pick<AwsHome, 'ledger'>, meant: UndoFilter = {}) =>
  undoSetup(ledger, 'aws', meant, undoAwsSetup)

export function put(path: string, text: string, mode = 0o600): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, text, { mode })
  return text
}

/** A program in the place of `daypass credential-process`. */
export function credentialProgram(folder: string): string[] {
  const script = join(folder, "it's a #1 ; program", 'main.cjs')
  put(
    script,
    `console.log(JSON.stringify({ Version: 1, AccessKeyId: 'ASIA' + process.argv[3], SecretAccessKey: 'hush',
      SessionToken: 'token', Expiration: new Date(Date.now() + 3600e3).toISOString() }))`,
  )
  return [process.execPath, script, 'credential-process', 'work']
}

/** The AWS command line. What it says, or its complaint. */
export async function aws(env: Record<string, string>, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('aws', args, { env })
  return stdout
}
