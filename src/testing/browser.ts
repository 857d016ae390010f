import { type IncomingHttpHeaders, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { buildNextRequest, type FormAnswers, type FormRequest } from './browser-form.ts'

export interface ScriptedBrowserOptions {
  /** The person's answer to a consent question. Default `approve`. */
  decision?: 'approve' | 'deny'
  /** Typed where a login is asked for. Default `ada`. */
  user?: string
  password?: string
  /** Stops before the client's redirect address and reports it as `url`, for pasted codes. */
  stopAtCallback?: boolean
  /** Milliseconds for one page or redirect. Default 10 s. */
  timeout?: number
}

/** Where a visit ended. */
export interface Visit {
  url: string
  /** 0: stopped before the redirect address. */
  status: number
  headers: IncomingHttpHeaders
  body: string
  /** Every address on the way, including the last. */
  trail: string[]
}

export interface ScriptedBrowser {
  /** Opens the URL, signs in and consents. Ends where no form or redirect is left, or at the callback. */
  visit(url: string): Promise<Visit>
  /** Replaces the real opener. Resolves at once, as a browser does. */
  openBrowser(url: string): Promise<boolean>
  /** Returns the result of the visit that `openBrowser` started last; waits for one to start. */
  visited(): Promise<Visit>
  /** Every address given to `openBrowser`. */
  opened: readonly string[]
}

type Page = Pick<Visit, 'status' | 'headers' | 'body'>

/** Cookies by host and name. Paths and ages are ignored, because a login is too short for them. */
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
    // One connection per request, so that no open socket keeps the process or a listener alive.
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

/** Returns the address where the authorization request says that the browser ends. */
function findCallback(url: string): string | undefined {
  const { searchParams } = new URL(url)
  return searchParams.has('request_uri') ? undefined : (searchParams.get('redirect_uri') ?? undefined)
}

const isSamePage = (url: string, page: string): boolean => {
  const [a, b] = [new URL(url), new URL(page)]
  return a.host === b.host && a.pathname === b.pathname
}

/** Returns whether this answer ends the visit. A pushed request (RFC 9126) hides its address until now. */
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

/** Creates an HTTP client that plays a person with a browser: redirects, cookies and forms. */
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
      // `visited()` reports the failure; without a caller it must not crash the process.
      visit.catch(() => {})
      latest = visit
      for (const resolve of waiting.splice(0)) resolve(visit)
      return Promise.resolve(true)
    },
    visited: () => latest ?? new Promise((resolve) => void waiting.push(resolve)),
  }
}
