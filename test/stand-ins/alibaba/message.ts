import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { DoorName } from './options.ts'

/** A request, as far as the doors look at it. */
export interface Ask {
  method: string
  url: URL
  headers: IncomingMessage['headers']
  body: string
}

export interface Reply {
  status: number
  headers?: Record<string, string>
  body?: string
  /** For the ledger: this is a no. */
  refusal?: { code: string; why: string }
}

export interface Door {
  method: 'GET' | 'POST'
  path: string
  /** A function where one path is several doors. */
  name: DoorName | ((ask: Ask) => DoorName)
  answer(ask: Ask): Reply
}

export function json(status: number, body: unknown): Reply {
  const headers = { 'content-type': 'application/json;charset=UTF-8', 'cache-control': 'no-store' }
  return { status, headers, body: JSON.stringify(body) }
}

/** A no of the OAuth service. */
export function refused(status: number, error: string, why: string): Reply {
  const requestId = randomUUID().toUpperCase()
  const reply = json(status, { error, error_description: why, requestId })
  return {
    ...reply,
    headers: { ...reply.headers, 'x-acs-request-id': requestId },
    refusal: { code: error, why },
  }
}

/** A no of the token service. */
export function stsRefused(status: number, Code: string, Message: string): Reply {
  const RequestId = randomUUID().toUpperCase()
  const Recommend = `https://api.alibabacloud.com/troubleshoot?q=${Code}&product=Sts&requestId=${RequestId}`
  const reply = json(status, { RequestId, Message, Recommend, HostId: 'sts.aliyuncs.com', Code })
  return { ...reply, refusal: { code: Code, why: Message } }
}

/** The media type alone. */
export const contentType = ({ headers }: Ask): string =>
  headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''

export const FORM = 'application/x-www-form-urlencoded'

export function repeated(parameters: URLSearchParams): string | undefined {
  const names = [...parameters.keys()]
  return names.find((name, index) => names.indexOf(name) !== index)
}
