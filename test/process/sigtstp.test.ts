/** A renewal that is stopped in its middle, as Ctrl-Z does, or interrupted: nobody steals from it, and nothing is lost. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDiskVault } from '../../src/vault/open-vault.ts'
import { left } from '../cli/story.ts'
import { stepsIn, stepwise } from '../kit/steps.ts'
import { A_TOKEN, expectSound, type Home, home, inProcess, tokenOf } from './data-dir.ts'

async function stale(): Promise<Home> {
  const made = await home('work')
  await left(made.one, 'work', -1000)
  return made
}

/** Runs until the kernel says that it stands still. */
async function stopped({ one }: Home, at: string) {
  const log = join(one.home, 'stopped')
  const running = one.start(['token', 'work'], { ...stepwise(log, at, 'SIGSTOP'), timeout: 60_000 })
  const state = () => /^.*\) (\w)/s.exec(readFileSync(`/proc/${running.pid}/stat`, 'utf8'))?.[1]
  await expect.poll(state).toBe('T')
  expect(stepsIn(log).at(-1)).toBe(at)
  return running
}

describe.skipIf(process.platform !== 'linux')('a process that is stopped while it renews', () => {
  test.each(['ask /token', 'hear /token', 'rename vault/work.grant.tmp to work.grant'])(
    'is waited for, and named when the waiting times out; then one renewal serves all (in front of: %s)',
    async (at) => {
      const made = await stale()
      const { one, server } = made
      const holder = await stopped(made, at)
      const { refreshes } = server.stats()
      const vault = openDiskVault(join(one.daypassHome, 'vault'), { patience: 300 })
      await expect(inProcess(one, { vault }).credential('work')).rejects.toMatchObject({
        code: 'lock',
        message: expect.stringMatching(
          `^another daypass \\(pid ${holder.pid}, refresh, for \\d+ s\\) holds work; `,
        ),
        hint: `try again, or end that process: kill ${holder.pid}`,
      })
      const logs = ['a', 'b', 'c'].map((name) => join(one.home, name))
      const waiting = logs.map((log) => one.run(['token', 'work'], stepwise(log)))
      await expect
        .poll(() => logs.map((log) => stepsIn(log)))
        .toEqual(logs.map(() => ['open vault/locks/work.lock']))
      expect(server.stats().refreshes).toBe(refreshes)

      holder.kill('SIGCONT')
      const results = [await holder.ended, ...(await Promise.all(waiting))]
      const { stdout } = results[0]!
      for (const result of results) expect(result).toMatchObject({ code: 0, stdout, stderr: '' })
      expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
      await made.close()
    },
  )
})

describe.skipIf(process.platform === 'win32')('a process that is told to end while it renews', () => {
  /** As long as it runs, and no answer is there for longer than any patience with it. */
  async function stormed(signal: NodeJS.Signals): Promise<void> {
    const made = await stale()
    const { one, server } = made
    server.failNext({ endpoint: 'refresh', delay: 2000 })
    const asked = new Promise<void>((resolve) => {
      server.on(({ type }) => type === 'refresh' && resolve())
    })
    const running = one.start(['token', 'work'])
    await asked
    const storm = setInterval(() => running.kill(signal), 20)
    const { code, stdout } = await running.ended
    clearInterval(storm)
    // In an orderly way, or a second later with the signal's own.
    expect([130, 143, 129]).toContain(code)
    expect(stdout).toBe('')
    await expectSound(made)
    expect(await tokenOf(made)).toEqual(A_TOKEN)
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
    await made.close()
  }

  test('keeps the answer first, however often it is told', async () => {
    await Promise.all((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(stormed))
  })
})
