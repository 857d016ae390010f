/** Measures how long a person waits after the browser is done until the terminal is free again. */
import { spawn } from 'node:child_process'
import type { AuthorizationServer } from '../src/testing/authorization-server.ts'
import { scriptedBrowser } from '../src/testing/browser.ts'
import { newHome } from './home.ts'
import { cleanEnvironment, type Program, spreadOf } from './measure.ts'
import { ms, type Section, spread } from './report.ts'

const ROUNDS = 15

/** Builds a `daypass login` that waits for the bench to play the browser. */
export function loginProgram({ issuer, clientId }: AuthorizationServer): Program {
  const home = newHome()
  const words = ['oidc', 'bench', '--issuer', issuer, '--client-id', clientId, '--method', 'browser']
  const { command, env } = home.daypass('login', ...words)
  return { command, env: { ...env, BROWSER: 'true' } }
}

/** Returns the milliseconds from the browser's request for the callback until the process has ended. */
export async function logIn({ command: [program, ...args], env }: Program): Promise<number> {
  const child = spawn(program, args, { env: cleanEnvironment(env), stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const url = await addressIn(child.stderr)
  const { url: callback } = await scriptedBrowser({ stopAtCallback: true }).visit(url)
  const began = performance.now()
  const { status } = await fetch(callback, { headers: { connection: 'close' } })
  const code = await ended
  const took = performance.now() - began
  if (status !== 200 || code !== 0) throw new Error(`the login failed: ${status}, ${code}`)
  return took
}

function addressIn(stream: NodeJS.ReadableStream): Promise<string> {
  let said = ''
  return new Promise((resolve, reject) => {
    stream.on('data', (text) => {
      said += text
      const address = /^https?:\S+\n/m.exec(said)
      if (address) resolve(address[0].trim())
    })
    stream.on('end', () => reject(new Error(`the login showed no address: ${said}`)))
  })
}

export async function logins(server: AuthorizationServer): Promise<Section> {
  const found: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const took = await logIn(loginProgram(server))
    if (round >= 0) found.push(took)
  }
  const one = spreadOf(found)
  return {
    title: 'From the callback to the end of `daypass login`',
    text: `${ROUNDS} logins, each in a home of its own: from the moment the browser asks for the callback until the process has ended. In between: the code is exchanged, the id token checked, the grant written and synced to the disk, the page shown.`,
    head: ['', 'median', 'half of the runs'],
    rows: [['from the callback to the end', ms(one.median), spread(one)]],
  }
}
