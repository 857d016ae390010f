import { spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, type TestContext } from 'vitest'
import { DaypassError, type ErrorCode } from '../../src/core/errors.ts'

/** A folder of the test's own, 0700, gone afterwards. */
export function folderOf({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daypass-vault-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What is thrown must be one of ours, complete, and fit to be shown. */
export async function failure(work: () => unknown, code: ErrorCode): Promise<DaypassError> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  expect(error).toBeInstanceOf(DaypassError)
  const ours = error as DaypassError
  expect({ code: ours.code, message: ours.message }).toEqual({ code, message: ours.message })
  expect(ours.message).toMatch(/^[^\n]*[^.\n]$/)
  expect(ours.hint).toMatch(/^[^\n]+$/)
  return ours
}

/** A skip that nobody overlooks: the run says what it did not prove. */
export function skipLoudly(context: Pick<TestContext, 'skip'>, reason: string): never {
  console.warn(`NOT PROVEN HERE: ${reason}`)
  context.skip(reason)
  throw new Error(reason)
}

export interface Ran {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
  ms: number
}

/** A child that is killed with its test when it is still there. */
export function start(command: string, args: string[], env: Record<string, string | undefined> = {}) {
  const began = performance.now()
  const child = spawn(command, args, { env: { ...process.env, NODE_OPTIONS: '', ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => (said.out += text))
  child.stderr.on('data', (text) => (said.err += text))
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...said, ms: performance.now() - began }))
  })
  return { child, ended, said }
}

export async function until(holds: () => boolean | Promise<boolean>, limit = 20_000): Promise<void> {
  const deadline = Date.now() + limit
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
