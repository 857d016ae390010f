/** A login by authorization code: the browser's callback and a pasted answer race, and the first right one wins. */

import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import {
  type AuthorizationAddress,
  authorizeUrl,
  type CheckedCode,
  checkCallback,
  checkPasted,
  newAttempt,
  type Verdict,
} from '../oauth/authorize.ts'
import { refusalError } from '../oauth/refusal.ts'
import type { Party } from '../oauth/server.ts'
import { exchangeCode } from '../oauth/token.ts'
import type { Redirect } from '../providers/provider.ts'
import { gateOf } from './access-help.ts'
import { type Choice, sshLine } from './choose-method.ts'
import { extraParameters, scopesFor } from './connect.ts'
import { type Loopback, openLoopback } from './loopback.ts'
import { entryOf } from './new-record.ts'
import type { LoggedIn, LoginOptions } from './options.ts'
import { parsePaste } from './paste.ts'
import { qrCode } from './qr.ts'
import { redirectOf } from './redirect-uri.ts'

type Check = (parameters: URLSearchParams) => Verdict

export async function byCode(
  host: Host,
  definition: Definition,
  party: Party,
  choice: Choice,
  options: LoginOptions,
  signal: AbortSignal,
): Promise<LoggedIn> {
  const { provider } = definition
  const { server, client } = party
  const page = crossDevicePage(definition, choice.method)
  const { ports, ...where } = redirectOf(provider, host.env)
  const redirect = { ...where, ports: options.port ? [options.port] : ports }
  let attempt = newAttempt('', definition.scopes)
  const check = (parameters: URLSearchParams) => checkCallback(server, client, attempt, parameters)
  const loopback = page ? undefined : await listen(host, redirect, check, provider.title, choice)
  try {
    attempt = {
      ...attempt,
      redirectUri: page ?? loopback?.redirectUri ?? redirectUri(redirect, anyPort(redirect.ports)),
    }
    const extra = extraParameters(definition, options)
    const address = await authorizeUrl(party, attempt, scopesFor(definition, server), extra)
    const { url } = address
    await show(host, address, choice, loopback?.port, options)
    const gate = gateOf(host, definition)
    if (gate) host.terminal.say(gate.waiting)
    const opening = open(host, url, choice, options, definition.name)
    const paste = (pasted: URLSearchParams) => checkPasted(server, client, attempt, pasted)
    const { code, method } = await receive(
      host,
      loopback,
      paste,
      choice,
      opening,
      promptOf(loopback, page),
      signal,
    )
    const outcome = await exchangeCode(party, code)
    if ('refusal' in outcome)
      throw refusalError(outcome.refusal, { advice: { verb: 'login', identity: definition.name } })
    const entry = await entryOf(host, definition, party, outcome, method)
    return { entry, party, settle: (how) => settle(loopback, how) }
  } catch (error) {
    await settle(loopback, 'failed')
    throw error
  }
}

async function settle(
  loopback: Loopback<CheckedCode> | undefined,
  outcome: 'kept' | 'failed',
): Promise<void> {
  loopback?.settle(outcome)
  await loopback?.close()
}

/** A pasted code needs no listener, so one that cannot be opened does not end a login by paste. */
async function listen(
  host: Host,
  redirect: Redirect,
  check: Check,
  title: string,
  choice: Choice,
): Promise<Loopback<CheckedCode> | undefined> {
  if (!choice.listen) return undefined
  try {
    return await openLoopback(host, { redirect, check, title })
  } catch (error) {
    if (choice.method !== 'paste' || !isDaypassError(error, 'port')) throw error
    host.terminal.say(`${error.message}; the pasted code works all the same`)
    return undefined
  }
}

/** Where a provider shows the code to a browser on any machine, for a person to carry it over. */
export function crossDevicePage(
  { pasteRedirect }: Definition,
  method: Method | undefined,
): string | undefined {
  return method === 'paste' ? pasteRedirect : undefined
}

export function redirectUri({ host, path }: Redirect, port: number): string {
  return `http://${host}:${port}${path}`
}

/** A port to name in a redirect that nobody listens on yet: above those that Linux gives to outgoing connections. */
export function anyPort(ports: readonly number[]): number {
  return ports[0] || 61_000 + Math.floor(Math.random() * 4_536)
}

async function show(
  host: Host,
  { url, expiresIn }: AuthorizationAddress,
  choice: Choice,
  port: number | undefined,
  options: LoginOptions,
): Promise<void> {
  const { terminal } = host
  terminal.say(
    choice.openBrowser ? 'Log in with this page (opening it in your browser):' : 'Log in with this page:',
  )
  terminal.say(`\n${url.href}\n`)
  if (expiresIn !== undefined) terminal.say(`It has to be opened within ${formatDuration(expiresIn)}.`)
  if (options.qr) terminal.say(await qrCode(url.href))
  const ssh = port === undefined ? undefined : sshLine(host.env, port)
  if (ssh)
    terminal.say(`To let the browser of your own machine answer by itself, run there first:\n    ${ssh}`)
}

/** Some openers end with the browser only; whoever comes back meanwhile is not kept waiting for them. */
async function open(
  { terminal, openBrowser }: Host,
  url: URL,
  choice: Choice,
  options: LoginOptions,
  login: string,
): Promise<void> {
  if (!choice.openBrowser || (await openBrowser(url.href, options.browser))) return
  if (!terminal.interactive && options.method === undefined) throw noBrowser(login)
  terminal.say('No browser could be opened here; open the page yourself.')
}

/** Chosen because there seemed to be one; without a terminal nobody sees the address, and nobody would ever come. */
const noBrowser = (login: string) =>
  new DaypassError('login_required', 'no browser could be opened here, and there is no terminal', {
    hint: `daypass login ${login} --start --json, or daypass login ${login} --no-browser`,
  })

interface Received {
  code: CheckedCode
  method: Method
}

/** Whatever comes first: the browser's callback or what the person pastes. */
async function receive(
  host: Host,
  loopback: Loopback<CheckedCode> | undefined,
  check: Check,
  choice: Choice,
  opening: Promise<void>,
  prompt: string,
  signal: AbortSignal,
): Promise<Received> {
  const done = new AbortController()
  const until = AbortSignal.any([signal, done.signal])
  // What the opener has to say comes before the prompt.
  const asking = Promise.race([opening, aborted(until)]).then(() =>
    choice.prompt ? pasted(host, check, prompt, loopback !== undefined, until) : waiting(host, until),
  )
  const ways: Promise<Received>[] = [asking]
  if (loopback) ways.push(loopback.received.then((code) => ({ code, method: 'browser' })))
  try {
    return await Promise.race(ways)
  } finally {
    done.abort()
    // The prompt gives the terminal back before anything else is said. The listener is closed by the caller: it may
    // never answer.
    await asking.catch(() => undefined)
  }
}

function waiting({ terminal }: Host, signal: AbortSignal): Promise<never> {
  return aborted(signal).finally(terminal.busy('Waiting for the browser'))
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const PASTE = 'Or paste the address (or the code) that the page ends at, and press Enter:'

function promptOf(loopback: object | undefined, page: string | undefined): string {
  if (page) return 'Paste the code that the page shows, and press Enter:'
  return loopback ? PASTE : PASTE.replace('Or paste', 'Paste')
}

async function pasted(
  host: Host,
  check: Check,
  prompt: string,
  listening: boolean,
  signal: AbortSignal,
): Promise<Received> {
  const { terminal } = host
  for (;;) {
    const text = await terminal.readSecret(prompt, signal)
    if (text === undefined && listening) return aborted(signal)
    if (text === undefined)
      throw new DaypassError('login_required', 'the input ended before a code was pasted', {
        hint: 'pipe in the address that the page ends at, or use two steps: daypass login … --start --json',
        unanswered: true,
      })
    if (text.trim() === '' && terminal.interactive) continue
    const verdict = judgePaste(text, check)
    if ('code' in verdict) return { code: verdict.code, method: 'paste' }
    if ('error' in verdict) throw verdict.error
    if (!terminal.interactive)
      throw new DaypassError('usage', `that is not the answer to this login: ${verdict.ignored}`, {
        hint: 'log in again, and hand in the whole address that the page of that login ends at',
      })
    terminal.say(`That is not the answer to this login: ${verdict.ignored}. Try again.`)
  }
}

/** A pasted text through the same checks as a callback. */
export function judgePaste(text: string, check: Check) {
  const parsed = parsePaste(text)
  return 'problem' in parsed ? { ignored: parsed.problem } : check(parsed.params)
}
