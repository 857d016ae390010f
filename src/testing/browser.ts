import { type IncomingHttpHeaders, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { buildNextRequest, type FormAnswers, type FormRequest } from './browser-form.ts'

export interface ScriptedBrowserOptions {
  /** What the person says where they are asked. Default `approve`. */
  decision?: 'approve' | 'deny'
  /** Typed where a login is asked for. Default `ada`. */
  user?: string
  password?: string
  /** Stops in front of the client's redirect address, and reports it as `url`: for codes that are pasted. */
  stopAtCallback?: boolean
  /** Milliseconds a page or redirect may take. Default 10 s. */
  timeout?: number
}

/** Where a visit ended. */
export interface Visit {
  url: string
  /** 0: stopped in front of it. */
  status: number
  headers: IncomingHttpHeaders
  body: string
  /** Every address on the way, the last one included. */
  trail: string[]
}

export interface ScriptedBrowser {
  /** Goes there, signs in, consents, and ends where no form and no redirect is left, or at the callback. */
  visit(url: string): Promise<Visit>
  /** In place of the real opener: returns at once, as a browser does. */
  openBrowser(url: string): Promise<boolean>
  /** The end of the visit that `openBrowser` began last; waits for one to begin. */
  visited(): Promise<Visit>
  /** Every address that `openBrowser` was given. */
  opened: readonly string[]
}

type Page = Pick<Visit, 'status' | 'headers' | 'body'>

/** Cookies by host and name. Paths and ages are not looked at; a login is over before they matter. */
type Jar = Map<string, Map<string, string>>

const MAX_TRAIL = 20

function storeCookies(jar: Jar, host: string, lines: readonly string[]): void {
  const own = jar.get(host) ?? new Map<string, string>()
  jar.set(host, own)
  for (const line of lines) {
    const [name = '', value = ''] = line.split(';')[0]!.split(/=(.*)/s)
    if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) own.delete(name.trim())
    else own.set(name.trim(), value)
  }
}

const formatCookies = (jar: Jar, host: string): string =>
  [...(jar.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')

function sendStep(step: FormRequest, jar: Jar, timeout: number): Promise<Page> {
  const url = new URL(step.url)
  const post = step.method === 'POST'
  if (!post) for (const [name, value] of step.fields) url.searchParams.set(name, value)
  const cookie = formatCookies(jar, url.host)
  const headers = {
    accept: 'text/html,*/*;q=0.8',
    'user-agent': 'Mozilla/5.0 (scripted browser)',
    ...(cookie === '' ? {} : { cookie }),
    ...(post ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
  }
  return new Promise((resolve, reject) => {
    const make = url.protocol === 'https:' ? overHttps : overHttp
    // One connection per request: nothing is left open that would hold the process or a listener.
    const options = { method: step.method, headers, agent: false, signal: AbortSignal.timeout(timeout) }
    const sent = make(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => void chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        storeCookies(jar, url.host, response.headers['set-cookie'] ?? [])
        const body = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
    sent.on('error', reject)
    sent.end(post ? step.fields.toString() : undefined)
  })
}

/** Where an authorization request says that the browser shall end. */
function findCallback(url: string): string | undefined {
  const { searchParams } = new URL(url)
  return searchParams.has('request_uri') ? undefined : (searchParams.get('redirect_uri') ?? undefined)
}

const isSamePage = (url: string, page: string): boolean => {
  const [a, b] = [new URL(url), new URL(page)]
  return a.host === b.host && a.pathname === b.pathname
}

/** Behind a pushed request (RFC 9126) the address is not known before the answer is on its way to it. */
const hasCallbackAnswer = (url: string): boolean =>
  ['code', 'error'].some((name) => new URL(url).searchParams.has(name))

const buildPageRequest = (url: string): FormRequest => ({
  method: 'GET',
  url,
  fields: new URLSearchParams(),
  denies: false,
})

function findNextStep(
  page: Page,
  from: string,
  formAnswers: FormAnswers,
  over: boolean,
): FormRequest | undefined {
  const { location } = page.headers
  if (page.status >= 300 && page.status < 400 && location)
    return buildPageRequest(new URL(location, from).href)
  return over ? undefined : buildNextRequest(page.body, from, formAnswers)
}

async function walkPages(start: string, options: ScriptedBrowserOptions): Promise<Visit> {
  const { decision = 'approve', user = 'ada', password = 'pass phrase', timeout = 10_000 } = options
  let callback: string | undefined
  const jar: Jar = new Map()
  const trail: string[] = []
  let step: FormRequest | undefined = buildPageRequest(start)
  let denied = false
  for (;;) {
    const url: string = step.url
    trail.push(url)
    // A program may open a page of its own first, which leads to the authorization request.
    callback ??= findCallback(url)
    const arrived: boolean =
      callback === undefined ? trail.length > 1 && hasCallbackAnswer(url) : isSamePage(url, callback)
    if (arrived && options.stopAtCallback) return { url, status: 0, headers: {}, body: '', trail }
    const page = await sendStep(step, jar, timeout)
    denied ||= step.denies
    step = arrived ? undefined : findNextStep(page, url, { decision, user, password }, denied)
    if (step === undefined) return { ...page, url, trail }
    if (trail.length >= MAX_TRAIL)
      throw new Error(`the sign-in does not end: it is at ${new URL(url).pathname}`)
  }
}

/** An HTTP client that plays a person with a browser: follows redirects, keeps cookies, fills and sends forms. */
export function scriptedBrowser(options: ScriptedBrowserOptions = {}): ScriptedBrowser {
  const opened: string[] = []
  const waiting: ((visit: Promise<Visit>) => void)[] = []
  let latest: Promise<Visit> | undefined

  return {
    opened,
    visit: (url) => walkPages(url, options),
    openBrowser(url) {
      opened.push(url)
      const visit = walkPages(url, options)
      // Whoever asks `visited()` sees it fail; nobody asking is no crash.
      visit.catch(() => {})
      latest = visit
      for (const resolve of waiting.splice(0)) resolve(visit)
      return Promise.resolve(true)
    },
    visited: () => latest ?? new Promise((resolve) => void waiting.push(resolve)),
  }
}
