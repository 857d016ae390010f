import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deferSignals } from '../../src/platform/defer-signals.ts'

let folder: string
let worker: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daypass-signals-'))
  worker = join(folder, 'worker.mjs')
  const entryPoints = [resolve(import.meta.dirname, 'defer-signals-worker.ts')]
  await build({ entryPoints, bundle: true, platform: 'node', format: 'esm', outfile: worker })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(signals: NodeJS.Signals[], ...args: string[]) {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
    if (chunk.includes('began')) for (const signal of signals) child.kill(signal)
  })
  return new Promise<{ out: string[]; end: unknown }>((done) => {
    child.on('close', (code, signal) => done({ out: out.trim().split('\n'), end: signal ?? code }))
  })
}

describe.skipIf(process.platform === 'win32')('a signal during a renewal', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s takes effect when all of it is over',
    async (signal) => {
      expect(await run([signal])).toEqual({ out: ['began', 'first kept', 'second kept'], end: signal })
    },
  )

  test('an impatient person changes nothing', async () => {
    expect(await run(['SIGINT', 'SIGINT', 'SIGTERM'])).toMatchObject({
      out: ['began', 'first kept', 'second kept'],
    })
  })

  test('listeners that were there before hear the signal afterwards', async () => {
    expect(await run(['SIGINT'], 'listens')).toEqual({
      out: ['began', 'first kept', 'second kept', 'heard'],
      end: 130,
    })
  })

  test('one that is on its way when the work begins is not forgotten', async () => {
    expect(await run([], 'listens', 'early')).toEqual({
      out: ['began', 'first kept', 'second kept', 'heard'],
      end: 130,
    })
  })

  test('without one nothing happens', async () => {
    expect((await run([])).out.at(-1)).toBe('went on')
  })
})

test('the work’s answer and its failure come through, and no listener stays', async () => {
  const before = process.listenerCount('SIGINT')
  expect(await deferSignals(async () => 7)).toBe(7)
  await expect(deferSignals(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(process.listenerCount('SIGINT')).toBe(before)
})
