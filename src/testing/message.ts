import type { IncomingMessage } from 'node:http'
import type { Endpoint } from './options.ts'

/** The parts of a request that the endpoints read. */
export interface RouteRequest {
  method: string
  url: URL
  headers: IncomingMessage['headers']
  form: URLSearchParams
}

export interface Reply {
  status: number
  headers?: Record<string, string>
  body?: string
  /** Sent as JSON instead of `body`. The `mangle` hooks may change it. */
  json?: Record<string, unknown>
}

/** One path of the server. */
export interface Route {
  method: 'GET' | 'POST'
  path: string
  /** A function where one path serves several endpoints. */
  endpoint: Endpoint | ((ask: RouteRequest) => Endpoint)
  answer(ask: RouteRequest): Reply
}

/** RFC 6749 §5.1: answers with a token must not be cached. */
export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }

export const buildRefusal = (error: string, description: string, status = 400): Reply => ({
  status,
  headers: NO_STORE,
  json: { error, error_description: description },
})

/** Returns the first repeated parameter (forbidden by RFC 6749 §3.1 and §3.2). */
export function findRepeated(parameters: URLSearchParams): string | undefined {
  const names = [...parameters.keys()]
  return names.find((name, index) => names.indexOf(name) !== index)
}

export const FORM = 'application/x-www-form-urlencoded'

/** Returns the media type without parameters. */
export const contentType = ({ headers }: Pick<RouteRequest, 'headers'>): string =>
  headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''

/** Returns why this POST is not a form as RFC 6749 §3.2 requires. */
export function findFormProblem(ask: RouteRequest): string | undefined {
  if (contentType(ask) !== FORM) return `the body must be ${FORM}`
  const twice = findRepeated(ask.form)
  return twice === undefined ? undefined : `${twice} is given twice`
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
