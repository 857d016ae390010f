import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { CLIENTS } from './authorize.ts'
import type { createIdTokens } from './id-token.ts'
import { type Ask, type Door, invalid, json, type Reply, refused } from './message.ts'
import type { Proofs } from './proof.ts'
import type { Code, Sessions, Tokens } from './sessions.ts'
import { type Fields, grantOf, readTokenRequest } from './token-request.ts'

export interface TokenSetting {
  sessions: Sessions
  proofs: Proofs
  clock: Clock
  idToken: ReturnType<typeof createIdTokens>
}

/** A request whose form and proof are right. */
interface Proven {
  fields: Fields
  jkt: string
  region: string
}

type Body = Record<string, unknown>

function bodyOf({ clock }: TokenSetting, { keys, refreshToken }: Tokens, idToken?: string): Body {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = keys
  return {
    accessToken: { accessKeyId, secretAccessKey, sessionToken },
    tokenType: 'aws_sigv4',
    expiresIn: Math.max(1, Math.ceil((expiresAt - clock.now()) / 1000)),
    refreshToken,
    ...(idToken === undefined ? {} : { idToken }),
  }
}

const verified = (verifier: string, challenge: string): boolean =>
  /^[\w.~-]{43,128}$/.test(verifier) &&
  createHash('sha256').update(verifier).digest('base64url') === challenge

function codeProblem(code: Code, { fields, region }: Proven): string | undefined {
  if (code.clientId !== fields.clientId) return 'the code is of another client'
  if (code.region !== region) return 'the code is of another region'
  if (code.redirectUri !== fields.redirectUri) return 'redirectUri is not the one of the authorization'
  if (!verified(fields.codeVerifier!, code.challenge)) return 'codeVerifier does not match'
  return code.spent ? 'the code is spent' : undefined
}

function byCode(setting: TokenSetting, proven: Proven): Body | Reply {
  const code = setting.sessions.findCode(proven.fields.code!)
  if (code === undefined) return invalid('the code is not known')
  const problem = codeProblem(code, proven)
  if (problem !== undefined) return invalid(problem)
  if (setting.clock.now() >= code.expiresAt) return refused('AUTHCODE_EXPIRED')
  const tokens = setting.sessions.open(code, proven.jkt)
  return bodyOf(setting, tokens, setting.idToken(code.principal.arn, code.clientId))
}

function byRefresh(setting: TokenSetting, { fields, jkt, region }: Proven): Body | Reply {
  const token = setting.sessions.findRefreshToken(fields.refreshToken!)
  if (token === undefined) return invalid('the refresh token is not known')
  const { session } = token
  if (session.clientId !== fields.clientId) return invalid('the refresh token is of another client')
  if (session.region !== region) return invalid('the refresh token is of another region')
  if (session.jkt !== jkt) return invalid('the refresh token is bound to another key')
  const ended = setting.sessions.ended(token)
  return ended === undefined ? bodyOf(setting, setting.sessions.redeem(token)) : refused(ended)
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** As a form is answered: every name in snake_case, those within as well. */
export function snakeCase(body: Body): Body {
  const entries = Object.entries(body).map(([name, value]) => [
    snake(name),
    typeof value === 'object' && value !== null ? snakeCase(value as Body) : value,
  ])
  return Object.fromEntries(entries)
}

const isReply = (answer: Body | Reply): answer is Reply => 'refusal' in answer

function token(setting: TokenSetting, ask: Ask): Reply {
  const request = readTokenRequest(ask)
  if (typeof request === 'string') return invalid(request)
  const { fields, form } = request
  if (!CLIENTS.includes(fields.clientId!)) return invalid('clientId is not known')
  // Before anything is spent: the same code or refresh token may come again, with the right proof.
  const proof = setting.proofs(ask)
  if ('why' in proof) return invalid(proof.why)
  const proven = { fields, jkt: proof.jkt, region: ask.region }
  const answer = fields.grantType === 'refresh_token' ? byRefresh(setting, proven) : byCode(setting, proven)
  if (isReply(answer)) return answer
  return json(200, form ? snakeCase(answer) : answer)
}

export function tokenDoors(setting: TokenSetting): Door[] {
  return [{ method: 'POST', path: '/v1/token', name: grantOf, answer: (ask) => token(setting, ask) }]
}
