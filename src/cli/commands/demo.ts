/**
 * Runs the whole story with the program itself: a server on 127.0.0.1, a login, tokens, an automatic renewal,
 * twenty processes at once, and a logout. All files are in a temporary folder that is removed at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaypassError, formatCommand } from '../../core/errors.ts'
import type { Host } from '../../core/types.ts'
import { createVerbCommand } from '../flags.ts'
import type { BareContext, CommandResult } from '../output/result.ts'
import type { Paint } from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createDemoCommand = ({ runBare }: Runner) =>
  createVerbCommand('demo')
    .description('the whole story, against a server that it starts itself on 127.0.0.1')
    .action((flags) => runBare(flags, 'demo', runDemo))

/** A server that counts. Its refresh tokens are single-use, and a second use ends the login. */
export interface DemoServer {
  title: string
  issuer: string
  clientId: string
  counts(): { renewals: number; reuses: number; ended: number }
  close(): Promise<void>
}

/** Milliseconds. Long enough for twenty processes on a slow machine, short enough to watch it expire. */
export const DEMO_TOKEN_LIFE = 9_000
const CROWD = 20

interface DemoStage {
  host: Host
  server: DemoServer
  /** The Node and the file of `daypass`. */
  program: readonly string[]
  home: string
  paint: Paint
  signal: AbortSignal
  running: Set<ChildProcess>
}

interface ProcessResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the demo that is shipped, against the strict server of daypass' own test kit. */
async function runDemo({ host, paintError: paint, signal }: BareContext): Promise<CommandResult> {
  const { startAuthorizationServer } = await import('../../testing/authorization-server.ts')
  const consent = canOpenBrowser(host) ? 'form' : 'auto'
  const server = await startAuthorizationServer({ accessTokenTtl: DEMO_TOKEN_LIFE, consent })
  const { issuer, clientId, stats, close } = server
  const getCounts = () => ({
    renewals: stats().refreshes,
    reuses: stats().reuses,
    ended: stats().deadFamilies,
  })
  const program = [process.execPath, process.argv[1]!]
  return playDemo(
    { host, paint, signal, program },
    { title: "daypass' own test server", issuer, clientId, counts: getCounts, close },
  )
}

export async function playDemo(
  with_: Omit<DemoStage, 'server' | 'home' | 'running'>,
  server: DemoServer,
): Promise<CommandResult> {
  const home = mkdtempSync(join(tmpdir(), 'daypass-demo-'))
  const running = new Set<ChildProcess>()
  const stage = { ...with_, server, home, running }
  stage.signal.addEventListener('abort', () => {
    for (const child of running) child.kill()
  })
  try {
    await playStory(stage)
    return {}
  } finally {
    rmSync(home, { recursive: true, force: true })
    await server.close()
    stage.host.terminal.say(stage.paint('dim', `(the server has stopped and ${home} is gone)`))
  }
}

async function playStory(stage: DemoStage): Promise<void> {
  const { server, host } = stage
  printChapter(stage, `An authorization server is running: ${server.title}, at ${server.issuer}`)
  printNote(
    stage,
    `access tokens live ${DEMO_TOKEN_LIFE / 1000} s; refresh tokens are single-use, and one that is used twice ends the login`,
  )

  printChapter(stage, 'Log in, in the browser')
  await performLogin(stage)

  printChapter(stage, 'What there is')
  await runAndShow(stage, ['list'])
  const first = await runAndShow(stage, ['token'])

  printChapter(stage, 'The token runs out, and the next one to ask gets a fresh one')
  await waitUntilStale(stage)
  const second = await runAndShow(stage, ['token'])
  assertDemo(second.stdout !== first.stdout && server.counts().renewals === 1, 'the token was not renewed')
  printNote(stage, `another token; the server counted ${server.counts().renewals} renewal`)

  printChapter(stage, `It runs out again, and ${CROWD} processes ask at once`)
  await waitUntilStale(stage)
  await runCrowd(stage)

  printChapter(stage, 'Log out')
  await runAndShow(stage, ['logout', 'demo'])
  assertDemo(server.counts().ended === 1, 'the server did not end the login')
  printNote(stage, 'the server confirms that the login has ended')
  host.terminal.say(
    `\n${stage.paint('green', '✓')} That was it. Yours begins with: ${formatCommand({ verb: 'login' })}`,
  )
}

/** Uses the person's browser where there is one. Otherwise the demo plays the person, and says so. */
async function performLogin(stage: DemoStage): Promise<void> {
  const { server, host } = stage
  const words = ['login', 'oidc', 'demo', '--issuer', server.issuer, '--client-id', server.clientId]
  if (canOpenBrowser(host)) {
    printNote(stage, 'your browser opens now: type any name, and agree')
    await runAndShow(stage, words)
    return
  }
  printNote(
    stage,
    'there is no browser here, so the demo plays the person: it opens the page, signs in and agrees',
  )
  const { scriptedBrowser } = await import('../../testing/browser.ts')
  // This opener opens nothing; the code below visits the page.
  const opener = `"${process.execPath}" -e 0`
  let visited: Promise<unknown> | undefined
  await runAndShow(stage, words, ['--browser', opener], (stderr) => {
    const url = /^http\S+$/m.exec(stderr)?.[0]
    if (url && stderr.includes(`${url}\n`)) visited ??= scriptedBrowser().visit(url)
  })
  await visited
}

function canOpenBrowser(host: Host): boolean {
  const { display, browserSet, ci } = host.detectRuntimeEnvironment()
  return (display || browserSet) && !ci
}

/** Waits until less than the margin, a third of the lifetime, is left. */
async function waitUntilStale({ host, signal, paint }: DemoStage): Promise<void> {
  const wait = (DEMO_TOKEN_LIFE * 2) / 3
  host.terminal.say(paint('dim', `  (waiting ${wait / 1000} s)`))
  await host.sleep(wait + 300, signal)
}

async function runCrowd(stage: DemoStage): Promise<void> {
  const before = stage.server.counts()
  const answers = await Promise.all(
    Array.from({ length: CROWD }, () => spawnDaypass(stage, ['token', 'demo'])),
  )
  const { renewals, reuses } = stage.server.counts()
  const tokens = new Set(answers.map(({ stdout }) => stdout))
  const right = answers.filter(({ code, stdout }) => code === 0 && stdout !== '').length
  printNote(
    stage,
    `${right} of ${CROWD} got a token, ${tokens.size === 1 ? 'all of them the same' : `${tokens.size} different ones`}`,
  )
  printNote(stage, `the server counted ${renewals - before.renewals} renewal and ${reuses} reuses`)
  assertDemo(
    right === CROWD && tokens.size === 1 && renewals - before.renewals === 1 && reuses === 0,
    'a renewal was not shared',
  )
}

/** Runs daypass as a person would, and shows the command and its output. */
async function runAndShow(
  stage: DemoStage,
  [verb = '', ...args]: readonly string[],
  hidden: readonly string[] = [],
  watch?: (stderr: string) => void,
) {
  const { host, paint } = stage
  host.terminal.say(`\n${paint('bold', `$ ${formatCommand({ verb, args })}`)}`)
  const ended = await spawnDaypass(stage, [verb, ...args, ...hidden], watch)
  const text = `${ended.stderr}${ended.stdout}`.trimEnd()
  host.terminal.say(text.replaceAll(/^/gm, '  '))
  assertDemo(ended.code === 0, `${formatCommand({ verb })} ended with ${ended.code}`)
  return ended
}

function spawnDaypass(
  { program, home, host, signal, running }: DemoStage,
  words: readonly string[],
  watch?: (stderr: string) => void,
): Promise<ProcessResult> {
  const env = {
    ...host.env,
    DAYPASS_HOME: home,
    DAYPASS_STORE: 'file',
    DAYPASS_IDENTITY: undefined,
    NO_COLOR: '1',
  }
  const child = spawn(program[0]!, [...program.slice(1), ...words], {
    env,
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
    watch?.(said.stderr)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      running.delete(child)
      if (signal.aborted) reject(signal.reason)
      else resolve({ code, ...said })
    })
  })
}

const printChapter = ({ host, paint }: DemoStage, text: string) =>
  host.terminal.say(`\n${paint('cyan', text)}`)
const printNote = ({ host, paint }: DemoStage, text: string) => host.terminal.say(`  ${paint('dim', text)}`)

function assertDemo(holds: boolean, otherwise: string): void {
  if (!holds) throw new DaypassError('unexpected', `the demo did not go as it should: ${otherwise}`)
}
