import { randomUUID } from 'node:crypto'
import { escapeHtml } from '../../../src/core/html.ts'
import type { Reply } from './message.ts'

/** An element's content: a text, or elements by name. What is `undefined` is left out. */
export type Xml = string | number | { readonly [name: string]: Xml | undefined }

export function written(content: Xml): string {
  // XML has a name for the apostrophe, and AWS uses it.
  if (typeof content !== 'object') return escapeHtml(String(content)).replaceAll('&#39;', '&apos;')
  return Object.entries(content)
    .map(([name, inner]) => (inner === undefined ? '' : `<${name}>${written(inner)}</${name}>`))
    .join('')
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

function answer(status: number, root: string, content: Xml, requestId: string): Reply {
  const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }
  return { status, headers, body: `<${root} xmlns="${NAMESPACE}">${written(content)}</${root}>\n` }
}

export function stsAnswer(operation: string, result: Xml): Reply {
  const RequestId = randomUUID()
  const content = { [`${operation}Result`]: result, ResponseMetadata: { RequestId } }
  return answer(200, `${operation}Response`, content, RequestId)
}

export function stsError(status: number, Code: string, Message: string): Reply {
  const RequestId = randomUUID()
  const Type = status >= 500 ? 'Receiver' : 'Sender'
  const reply = answer(status, 'ErrorResponse', { Error: { Type, Code, Message }, RequestId }, RequestId)
  return { ...reply, refusal: { code: Code, why: Message } }
}

export const validationError = (message: string): Reply => stsError(400, 'ValidationError', message)

export const accessDenied = (message: string): Reply => stsError(403, 'AccessDenied', message)
