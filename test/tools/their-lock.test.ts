/** The lock of Python's tools, held by Python. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { whenFree } from '../../src/tools/their-lock.ts'
import { needs } from '../kit/needs.ts'
import { failure, folderOf } from '../vault/support.ts'
import { put } from './aws.ts'

const HOLD = `import fcntl, sys
held = open(sys.argv[1], 'a')
fcntl.flock(held, fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
`

/** A process that holds it until it is let go. */
async function holder(path: string): Promise<() => void> {
  const child = spawn('python3', ['-c', HOLD, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return () => void child.stdin.end()
}

test('is waited for, and no longer than that', async (context) => {
  needs(context, 'python3', 'flock')
  const path = join(folderOf(context), 'config.json.lock')
  const letGo = await holder(path)
  const { message } = await failure(() => whenFree(path, 'cld', { patience: 0 }), 'lock')
  expect(message).toBe(`cld holds ${path}; gave up after 0 s`)
  let isFree = false
  const waiting = whenFree(path, 'cld').then(() => {
    isFree = true
  })
  await failure(() => whenFree(path, 'cld', { patience: 0 }), 'lock')
  expect(isFree).toBe(false)
  letGo()
  await waiting
})

test('that nobody holds, or that is not there, is waited for by nobody, and none is made', async (context) => {
  const path = join(folderOf(context), 'config.json.lock')
  await whenFree(path, 'cld', { patience: 0 })
  expect(existsSync(path)).toBe(false)
  put(path, '')
  await whenFree(path, 'cld', { patience: 0 })
})
