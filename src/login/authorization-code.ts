/** Login by authorization code: of the browser's callback and a pasted answer, the first valid one wins. */
import { formatDuration } from '../core/duration.ts'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import type { Host, Method } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import {
  type AuthorizationUrl,
  type CheckedCode,
  checkCallback,
  checkPasted,
  createAttempt,
  createAuthorizationUrl,
} from '../oauth/authorize.ts'
import { createDeadline } from '../oauth/deadline.ts'
import { createRefusalError } from '../oauth/refusal.ts'
import type { ClientContext } from '../oauth/server.ts'
import { exchangeCode, type IssuedTokens } from '../oauth/token.ts'
import type { Redirect } from '../providers/provider.ts'
import { formatSshCommand, isBrowserElsewhere } from './choose-method.ts'
import { buildExtraParameters, filterScopes } from './connect.ts'
import { type Loopback, openLoopback } from './loopback.ts'
import { type CheckAnswer, judgePaste } from './paste.ts'
import { renderQrCode } from './qr.ts'
import { choosePort, findCodePage, findRedirect, formatRedirectUri } from './redirect-uri.ts'
import type { ObtainedLogin, PageLogin } from './stages.ts'

export async function obtainByCode(login: PageLogin): Promise<ObtainedLogin> {
  const { host, definition, context, choice, options, signal, help } = login
  const { server, client } = context
  const page = findCodePage(definition, choice.method)
  const { ports, ...where } = findRedirect(definition.provider, host.env)
  const redirect = { ...where, ports: options.port ? [options.port] : ports }
  let attempt = createAttempt('', definition.scopes)
  const checkQuery = (parameters: URLSearchParams) => checkCallback(server, client, attempt, parameters)
  const checkPaste = (pasted: URLSearchParams) => checkPasted(server, client, attempt, pasted)
  const loopback = page ? undefined : await listenForCallback(login, redirect, checkQuery)
  const settle = (outcome: 'kept' | 'failed') => settlePage(loopback, outcome)
  try {
    const redirectUri =
      page ?? loopback?.redirectUri ?? formatRedirectUri(redirect, choosePort(redirect.ports))
    attempt = { ...attempt, redirectUri }
    const extra = buildExtraParameters(definition, options)
    const address = await createAuthorizationUrl(context, attempt, filterScopes(definition, server), extra)
    await showAddress(login, address, loopback?.port)
    if (help) host.terminal.say(help.waiting)
    const { code, method } = await receiveCode(login, {
      loopback,
      check: checkPaste,
      prompt: choosePrompt(loopback, page),
      opening: openPage(login, address.url, loopback),
    })
    const issued = await redeemCode(definition, context, code)
    return { host, definition, context, issued, method, settle, signal }
  } catch (error) {
    await settle('failed')
    throw error
  }
}

export async function settlePage(
  loopback: Loopback<CheckedCode> | undefined,
  outcome: 'kept' | 'failed',
): Promise<void> {
  loopback?.settle(outcome)
  await loopback?.close()
}

export async function redeemCode(
  { name }: Definition,
  context: ClientContext,
  code: CheckedCode,
): Promise<IssuedTokens> {
  const outcome = await exchangeCode(context, code)
  if ('refusal' in outcome)
    throw createRefusalError(outcome.refusal, { advice: { verb: 'login', identity: name } })
  return outcome
}

/** A pasted code needs no listener, so a login by paste continues when none can be opened. */
async function listenForCallback(
  { host, definition, choice }: PageLogin,
  redirect: Redirect,
  check: CheckAnswer,
): Promise<Loopback<CheckedCode> | undefined> {
  if (!choice.listen) return undefined
  try {
    return await openLoopback(host, {
      redirect,
      check,
      title: definition.provider.title,
      warn: host.terminal.warn,
    })
  } catch (error) {
    if (choice.method !== 'paste' || !isDaypassError(error, 'port')) throw error
    host.terminal.say(`${error.message}; the pasted code works all the same`)
    return undefined
  }
}

async function showAddress(
  { host: { terminal, env }, choice, options }: PageLogin,
  { url, expiresIn }: AuthorizationUrl,
  port: number | undefined,
): Promise<void> {
  terminal.say(
    choice.openBrowser ? 'Log in with this page (opening it in your browser):' : 'Log in with this page:',
  )
  terminal.say(`\n${url.href}\n`)
  if (expiresIn !== undefined) terminal.say(`It has to be opened within ${formatDuration(expiresIn)}.`)
  if (options.qr) terminal.say(await renderQrCode(url.href))
  const ssh = port === undefined ? undefined : formatSshCommand(env, port)
  if (ssh)
    terminal.say(`To let the browser of your own machine answer by itself, run there first:\n    ${ssh}`)
}

/** How long a browser may take to start and to fetch the start page. */
const START_PAGE_TIMEOUT = 10_000

/** Some openers end only when the browser ends, so the callback does not wait for this. */
async function openPage(
  { host, definition, choice, options }: PageLogin,
  { href }: URL,
  loopback: Loopback<CheckedCode> | undefined,
): Promise<void> {
  if (!choice.openBrowser) return
  const { terminal, openBrowser } = host
  const isElsewhere = isBrowserElsewhere(host.detectRuntimeEnvironment(), host.env, options.browser)
  const start = isElsewhere ? undefined : loopback?.openStartPage(href)
  const late = createDeadline(host, START_PAGE_TIMEOUT)
  if (await openBrowser(start?.url ?? href, options.browser)) {
    const warnIfUnvisited = () =>
      start?.isUnvisited() &&
      terminal.warn(`the browser did not reach ${new URL(start.url).host}; open the address above`)
    if (late.aborted) warnIfUnvisited()
    else late.addEventListener('abort', warnIfUnvisited)
    return
  }
  if (!terminal.interactive && options.method === undefined) throw createNoBrowserError(definition)
  terminal.say('No browser could be opened here; open the page yourself.')
}

/** daypass chose the browser. Without a terminal, no person sees the address to open it. */
const createNoBrowserError = ({ name: identity }: Definition) =>
  new DaypassError('login_required', 'no browser could be opened here, and there is no terminal', {
    hint: (command) => {
      const [twoSteps, paste] = [['--start', '--json'], ['--no-browser']].map((flags) =>
        command({ verb: 'login', identity, flags }),
      )
      return `${twoSteps}, or ${paste}`
    },
  })

interface ReceivedCode {
  code: CheckedCode
  method: Method
}

/** The channels on which a code may arrive. */
interface CodeSources {
  loopback: Loopback<CheckedCode> | undefined
  check: CheckAnswer
  prompt: string
  /** Resolves when the browser was opened, or could not be opened. */
  opening: Promise<void>
}

/** Waits for the browser's callback or a pasted answer, whichever is first. */
async function receiveCode(login: PageLogin, receiving: CodeSources): Promise<ReceivedCode> {
  const { loopback, opening } = receiving
  const done = new AbortController()
  const until = AbortSignal.any([login.signal, done.signal])
  // The opener's message is printed before the prompt.
  const asking = Promise.race([opening, rejectOnAbort(until)]).then(() =>
    login.choice.prompt ? askForCode(login.host, receiving, until) : waitForBrowser(login.host, until),
  )
  const codes: Promise<ReceivedCode>[] = [asking]
  if (loopback) codes.push(loopback.received.then((code) => ({ code, method: 'browser' })))
  try {
    return await Promise.race(codes)
  } finally {
    done.abort()
    // The prompt releases the terminal before anything else is printed. The caller closes the listener, which
    // may never get a request.
    await asking.catch(() => undefined)
  }
}

function waitForBrowser({ terminal }: Host, signal: AbortSignal): Promise<never> {
  return rejectOnAbort(signal).finally(terminal.busy('Waiting for the browser'))
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const PASTE = 'Or paste the address (or the code) that the page ends at, and press Enter:'

function choosePrompt(loopback: object | undefined, page: string | undefined): string {
  if (page) return 'Paste the code that the page shows, and press Enter:'
  return loopback ? PASTE : PASTE.replace('Or paste', 'Paste')
}

async function askForCode(
  { terminal }: Host,
  { loopback, check, prompt }: CodeSources,
  signal: AbortSignal,
): Promise<ReceivedCode> {
  for (;;) {
    const text = await terminal.readSecret(prompt, signal)
    if (text === undefined && loopback) return rejectOnAbort(signal)
    if (text === undefined) throw createInputEndedError()
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

const createInputEndedError = () =>
  new DaypassError('login_required', 'the input ended before a code was pasted', {
    hint: (command) => {
      const twoSteps = command({ verb: 'login', identity: '…', flags: ['--start', '--json'] })
      return `pipe in the address that the page ends at, or use two steps: ${twoSteps}`
    },
    unanswered: true,
  })
