import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { isDaypassError } from '../../src/core/errors.ts'
import { createNodeHost } from '../../src/platform/node-host.ts'

// Runs in a pseudo-terminal and writes what it got to a file, so that the screen holds only what the terminal
// itself shows.

const host = createNodeHost({
  env: process.env,
  stdin: process.stdin,
  stderr: process.stderr,
  quiet: process.env.QUIET === '1',
  noInput: process.env.NO_INPUT === '1',
})
const { terminal } = host

function note(value: unknown): void {
  appendFileSync(process.env.RESULT!, `${JSON.stringify(value ?? null)}\n`)
}

const plays: Record<string, () => Promise<void>> = {
  async secret() {
    note(await terminal.readSecret('Paste the code: '))
  },
  async twice() {
    note(await terminal.readSecret('first: '))
    note(await terminal.readSecret('second: '))
  },
  async abort() {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('the browser was faster')), 400)
    await terminal.readSecret('Paste the code: ', controller.signal).catch((error) => note(error.message))
    terminal.say('went on')
  },
  async aborted() {
    await terminal
      .readSecret('never shown: ', AbortSignal.abort(new Error('before')))
      .catch((error) => note(error.message))
  },
  async choose() {
    note(
      await terminal.choose('Which?', [
        { value: 'a', label: 'Alpha' },
        { value: 'b', label: 'Beta', hint: 'b' },
      ]),
    )
  },
  async confirm() {
    note(await terminal.confirm('Sure?'))
  },
  async busy() {
    const stop = terminal.busy('waiting')
    await host.sleep(300)
    terminal.say('a line meanwhile')
    terminal.warn('look\nhere')
    await host.sleep(200)
    stop()
    stop()
    terminal.say('done')
  },
  async beside() {
    const stop = terminal.busy('waiting')
    note(await terminal.readSecret('code: '))
    stop()
  },
  async surroundings() {
    note(host.detectRuntimeEnvironment().interactive)
  },
}

try {
  await plays[process.argv[2]!]!()
} catch (error) {
  note(isDaypassError(error) ? error.code : String(error))
  process.exitCode = 130
} finally {
  if (process.stdin.isTTY) spawnSync('stty', ['-a'], { stdio: ['inherit', 'inherit', 'inherit'] })
}
