/** The browser, the paste prompt, the server and the clock, in any order: a login ends once, and as it should. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assembleDaypass } from '../../src/client/index.ts'
import type { Config } from '../../src/config/schema.ts'
import { DaypassError } from '../../src/core/errors.ts'
import type { Host, LoopbackRequest, LoopbackResponse } from '../../src/core/types.ts'
import { builtIn } from '../../src/providers/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { runs } from '../fuzz.ts'
import { NOTHING } from './client-context.ts'

const PORT = 49_999
const WORK = {
  kind: 'oidc/user',
  client_id: 'cli',
  endpoints: { authorization: 'https://id.example/authorize', token: 'https://id.example/token' },
}

/** Something that happens once, awaited wherever it matters. */
function moment<T>() {
  let come!: (value: T) => void
  const came = new Promise<T>((resolve) => {
    come = resolve
  })
  return { come, came }
}

function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}

/** The outside world, all of it played. */
function stage() {
  const seen = {
    url: moment<URL>(),
    /** How the person types; a new one for each prompt. */
    prompt: moment<(text: string) => void>(),
    exchange: moment<void>(),
    exchanges: [] as URLSearchParams[],
    closed: false,
  }
  const answer = moment<Response>()
  const timeUp = moment<void>()
  let handle!: (request: LoopbackRequest) => LoopbackResponse | Promise<LoopbackResponse>
  const host: Host = {
    env: {},
    now: () => 1_800_000_000_000,
    detectRuntimeEnvironment: () => ({ ...NOTHING, interactive: true }),
    deferSignals: (work) => work(),
    sleep: (_, signal) => Promise.race([timeUp.came, aborted(signal)]),
    openBrowser: async () => true,
    async fetch(_, init) {
      seen.exchanges.push(init?.body as URLSearchParams)
      seen.exchange.come()
      return answer.came
    },
    async listen(_, given) {
      handle = given
      const close = async () => void Object.assign(seen, { closed: true })
      return { port: PORT, close }
    },
    terminal: {
      interactive: true,
      say: (text) => void (text.includes('/authorize?') && seen.url.come(new URL(text.trim()))),
      warn: () => undefined,
      busy: () => () => undefined,
      readSecret(_, signal) {
        const { come, came } = moment<string>()
        seen.prompt.come(come)
        return Promise.race([came, aborted(signal)])
      },
      choose: async () => undefined,
      confirm: async () => false,
      ask: async () => '',
    },
  }
  return { host, seen, answer, timeUp, ask: (request: LoopbackRequest) => handle(request) }
}

/** A login that has shown its address, and what must be true of it. */
async function begin(keeps: boolean) {
  const { host, seen, ...played } = stage()
  const write = () => Promise.reject(new DaypassError('vault', 'the disk is full'))
  const vault = { ...createMemoryVault(), ...(!keeps && { write }) }
  const config = { auth: { identities: { work: WORK } } } as unknown as Config
  const choices = {
    readDefault: () => 'work',
    writeDefault: async () => undefined,
    folder: async () => undefined,
  }
  const cancel = new AbortController()
  const outcome = assembleDaypass({ host, vault, config, choices, providers: builtIn })
    .login('work', { signal: cancel.signal })
    .then(
      ({ header }): string => header.method,
      (error: unknown): string => (error instanceof DaypassError ? error.code : String(error)),
    )
  return {
    ...played,
    seen,
    vault,
    keeps,
    cancel,
    outcome,
    state: (await seen.url.came).searchParams.get('state')!,
    phase: 'waiting' as 'waiting' | 'exchanging' | 'over',
    /** How it ended, or will if the server and the disk are willing: a method, or the code of an error. */
    ending: '',
    /** Why nobody waits any more. */
    stopped: '',
    /** The code that was taken. */
    code: '',
    /** The one callback of this login has come. */
    taken: false,
    pages: [] as Promise<LoopbackResponse>[],
    pagesShown: 0,
  }
}

type Login = Awaited<ReturnType<typeof begin>>

interface Words {
  says: 'code' | 'error'
  state: 'right' | 'wrong' | 'none' | 'twice'
}
type Callback = { what: 'callback'; wrong: 'host' | 'path' | 'method' | undefined } & Words
type Paste = { what: 'paste'; form: 'url' | 'query' | 'bare' } & Words
type Other = { what: keyof typeof ANSWERS | keyof typeof ENDS }

const ANSWERS = {
  tokens: () => Response.json({ access_token: 'at', token_type: 'bearer', refresh_token: 'rt' }),
  refusal: () => Response.json({ error: 'invalid_client' }, { status: 400 }),
  trouble: () => new Response('trouble', { status: 503 }),
}
const FAILURES = { tokens: 'vault', refusal: 'refused', trouble: 'network' }

const ENDS = {
  timeout: ({ timeUp }: Login) => timeUp.come(),
  cancel: ({ cancel }: Login) => cancel.abort(new DaypassError('cancelled', 'cancelled')),
}

const says = fc.constantFrom('code', 'code', 'error')
const state = fc.constantFrom('right', 'right', 'wrong', 'none', 'twice')
const wrong = fc.option(fc.constantFrom('host', 'path', 'method'), { nil: undefined, freq: 2 })
const form = fc.constantFrom('url', 'query', 'bare')
const others = [...Object.keys(ANSWERS), ...Object.keys(ENDS)]
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('callback'), wrong, says, state }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('paste'), form, says, state }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('tokens', ...others) }) },
) as fc.Arbitrary<Callback | Paste | Other>

const STATES = {
  right: (own: string) => `&state=${own}`,
  wrong: () => '&state=of-another-login',
  none: () => '',
  twice: (own: string) => `&state=${own}&state=${own}`,
}

const query = (login: Login, { says, state }: Words, code: string) =>
  `${says === 'code' ? `code=${code}` : 'error=access_denied'}${STATES[state](login.state)}`

async function over(login: Login, ending: string): Promise<void> {
  Object.assign(login, { phase: 'over', ending, taken: true })
  expect(await login.outcome).toBe(ending)
  expect(login.seen.closed).toBe(true)
}

/** The first right answer, by whatever way it came. */
function accepted(login: Login, ending: 'browser' | 'paste', says: Words['says'], code: string) {
  if (says === 'error') return over(login, 'refused')
  Object.assign(login, { phase: 'exchanging', ending, code })
  return login.seen.exchange.came
}

async function callback(login: Login, given: Callback, code: string): Promise<void> {
  const response = Promise.resolve(
    login.ask({
      method: given.wrong === 'method' ? 'POST' : 'GET',
      target: `${given.wrong === 'path' ? '/' : '/callback'}?${query(login, given, code)}`,
      host: given.wrong === 'host' ? 'evil.example' : `127.0.0.1:${PORT}`,
    }),
  )
  const refusal = given.wrong && { host: 421, path: 404, method: 405 }[given.wrong]
  const expected = refusal ?? (given.state !== 'right' ? 400 : login.taken ? 409 : 200)
  if (expected !== 200) return expect((await response).status).toBe(expected)
  login.taken = true
  if (given.says === 'error') expect((await response).body).toContain('Login failed')
  else login.pages.push(response)
  void response.then(() => {
    if (given.says === 'code') login.pagesShown += 1
  })
  if (login.phase === 'waiting') await accepted(login, 'browser', given.says, code)
}

async function paste(login: Login, given: Paste, code: string): Promise<void> {
  // Otherwise nobody reads any more.
  if (login.phase !== 'waiting') return
  const type = await login.seen.prompt.came
  login.seen.prompt = moment()
  const bare = `${code}${STATES[given.state](login.state).replaceAll('&state=', '#')}`
  if (given.form === 'bare' && given.says === 'code') type(bare)
  else type(`${given.form === 'url' ? `http://127.0.0.1:${PORT}/callback` : ''}?${query(login, given, code)}`)
  // A code alone is an answer too; PKCE ties it to this login.
  const right = given.state === 'right' || given.state === 'none'
  if (right) await accepted(login, 'paste', given.says, code)
  else await login.seen.prompt.came
}

async function other(login: Login, what: Other['what']): Promise<void> {
  if (what === 'timeout' || what === 'cancel') {
    ENDS[what](login)
    // The clock takes longer to be heard than the person does.
    await new Promise((resolve) => setImmediate(resolve))
    // An exchange is not cut by it, but should it fail, this is what to say.
    login.stopped ||= what === 'cancel' ? 'cancelled' : 'login_required'
    if (login.phase === 'waiting') await over(login, login.stopped)
  } else if (login.phase === 'exchanging') {
    login.answer.come(ANSWERS[what]())
    const failure = what === 'tokens' ? FAILURES.tokens : login.stopped || FAILURES[what]
    await over(login, what === 'tokens' && login.keeps ? login.ending : failure)
  }
}

async function play(events: (Callback | Paste | Other)[], keeps: boolean): Promise<void> {
  const login = await begin(keeps)
  for (const [index, each] of events.entries()) {
    if (each.what === 'callback') await callback(login, each, `code-${index}`)
    else if (each.what === 'paste') await paste(login, each, `code-${index}`)
    else await other(login, each.what)
    if (login.phase !== 'over') expect([login.pagesShown, login.seen.closed]).toEqual([0, false])
  }
  if (login.phase !== 'over') await other(login, login.phase === 'exchanging' ? 'tokens' : 'cancel')
  const kept = ['browser', 'paste'].includes(login.ending)
  expect(login.seen.exchanges.map((form) => form.get('code'))).toEqual([login.code].filter(Boolean))
  expect((await login.vault.read('work'))?.grant !== undefined).toBe(kept)
  for (const page of login.pages) expect((await page).body).toContain(kept ? 'Logged in' : 'Login failed')
}

test('whatever comes in whatever order, the first right answer counts, and nothing else does', async () => {
  const property = fc.asyncProperty(fc.array(event, { maxLength: 10 }), fc.boolean(), play)
  // A login that hangs is a failure.
  await fc.assert(property, { ...runs(500), timeout: 5_000 })
})
