/** Renewals whose answer is near the 1 MiB that is read of it: the login is never lost, and what is left out is said. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { box, vaultOf } from '../cli/story.ts'
import { tokenOf } from '../vault/records.ts'
import { inProcess } from './data-dir.ts'

const LARGE = 900_000
const large = (start = '') => start.padEnd(LARGE, 'x')

interface Row {
  /** Beside a short access token and a rotated refresh token. */
  answer(issued: { id_token: string; refresh_token: string }): object
  code: number
  said: RegExp
}

const ROWS: Record<string, Row> = {
  field: { answer: () => ({ whatever: large() }), code: 0, said: /^\w+: renewed \(/ },
  identity: {
    answer: ({ id_token }) => ({ id_token: large(id_token) }),
    code: 0,
    said: /identity was renewed without the id_token that the server sent: too large to be kept/,
  },
  scope: {
    answer: ({ id_token }) => ({ scope: large('openid '), id_token }),
    code: 0,
    said: /scope was renewed without the id_token and scope that the server sent: too large to be kept/,
  },
  refresh: {
    answer: ({ refresh_token }) => ({ refresh_token: large(refresh_token) }),
    code: 0,
    said: /^\w+: renewed \(/,
  },
  access: {
    answer: () => ({ access_token: large('at_') }),
    code: 5,
    said: /^error: what the server sent for access is larger than can be kept\n {2}look at what it puts into/,
  },
  kept: { answer: () => ({ access_token: 'at_'.padEnd(700_000, 'x') }), code: 0, said: /^\w+: renewed \(/ },
}

/** Each refresh token is taken once; by the identity that it was issued to. */
const live = new Map<string, string>()
const asked = new Map<string, number>()
const encode = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')

async function answerToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
  const name = [...live].find(([, token]) => token === form.get('refresh_token'))?.[0]
  response.setHeader('content-type', 'application/json')
  if (name === undefined) return void response.writeHead(400).end('{"error":"invalid_grant"}')
  const count = (asked.get(name) ?? 0) + 1
  asked.set(name, count)
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, aud: 'cli', sub: 'ada', iat: now, exp: now + 3600 }
  const issued = {
    refresh_token: `rt_${randomUUID()}_`,
    id_token: `${encode({ alg: 'ES256' })}.${encode(claims)}.c2ln`,
  }
  const answer = {
    access_token: `at_${name}_${count}`,
    token_type: 'bearer',
    expires_in: 3600,
    refresh_token: issued.refresh_token,
    ...(count === 1 && ROWS[name]!.answer(issued)),
  }
  live.set(name, answer.refresh_token)
  response.end(JSON.stringify(answer))
}

const server = createServer((request, response) => void answerToken(request, response))
let issuer = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

test('the refresh token of a large answer is kept first, and what does not fit is left out and said', async () => {
  const one = box()
  const vault = vaultOf(one)
  const daypass = inProcess(one)
  const now = Date.now()
  for (const name of Object.keys(ROWS)) {
    live.set(name, `rt_${name}`)
    await vault.write({
      header: {
        v: 2,
        name,
        kind: 'oidc/user',
        provider: 'oidc',
        params: { issuer },
        endpoints: { issuer, token: `${issuer}/token` },
        clientId: 'cli',
        method: 'browser',
        renewable: true,
        issuedAt: now,
        expiresAt: now + 3_600_000,
        createdAt: now,
      },
      grant: {
        credential: {
          kind: 'bearer',
          token: new Secret(`at_${name}_0`),
          tokenType: 'bearer',
          issuedAt: now,
          expiresAt: now + 3_600_000,
        },
        refreshToken: new Secret(`rt_${name}`),
      },
    })
  }
  await Promise.all(
    Object.entries(ROWS).map(async ([name, { code, said }]) => {
      const first = await one.run(['refresh', name, '--force'])
      expect({ name, code: first.code }, first.stderr.slice(0, 400)).toEqual({ name, code })
      expect(first.stderr.slice(0, 400)).toMatch(said)
      const length = { access: 'at_access_0'.length, kept: 700_000 }[name] ?? `at_${name}_1`.length
      expect({ name, length: tokenOf(await vault.read(name))?.length }).toEqual({ name, length })
      // The server would refuse whatever is not the newest refresh token.
      expect(await daypass.refresh(name, { force: true })).toMatchObject({ outcome: 'renewed' })
      expect(tokenOf(await vault.read(name))).toBe(`at_${name}_2`)
    }),
  )
})
