import { randomUUID } from 'node:crypto'
import type * as cloud from '../serve.ts'
import type { DoorName } from './options.ts'

export type { Ask, Reply } from '../serve.ts'
export type Door = cloud.Door<DoorName>

export function json(status: number, body: unknown): cloud.Reply {
  const headers = { 'content-type': 'application/json;charset=UTF-8', 'cache-control': 'no-store' }
  return { status, headers, body: JSON.stringify(body) }
}

/** A no of the OAuth service. */
export function refused(status: number, error: string, why: string): cloud.Reply {
  const requestId = randomUUID().toUpperCase()
  const reply = json(status, { error, error_description: why, requestId })
  return {
    ...reply,
    headers: { ...reply.headers, 'x-acs-request-id': requestId },
    refusal: { code: error, why },
  }
}

/** A no of the token service. */
export function stsRefused(status: number, Code: string, Message: string): cloud.Reply {
  const RequestId = randomUUID().toUpperCase()
  const Recommend = `https://api.alibabacloud.com/troubleshoot?q=${Code}&product=Sts&requestId=${RequestId}`
  const reply = json(status, { RequestId, Message, Recommend, HostId: 'sts.aliyuncs.com', Code })
  return { ...reply, refusal: { code: Code, why: Message } }
}
