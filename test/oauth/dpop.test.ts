import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { createProofKey, fetchWithToken, type ProofKey } from '../../src/oauth/dpop.ts'
import { fetchProfile } from '../../src/oauth/profile.ts'
import { createRefusalError } from '../../src/oauth/refusal.ts'
import { refreshTokens } from '../../src/oauth/token.ts'
import { type Answer, answering, partyAt, port, type Seen } from './kit.ts'

const GOOD = {
  body: { access_token: 'at-new', token_type: 'DPoP', expires_in: 3600, refresh_token: 'rt-new' },
}
const refused = (error: string, headers: Record<string, string> = {}): Answer => ({
  status: 400,
  headers,
  body: { error },
})
const NONCE = (nonce: string) => refused('use_dpop_nonce', { 'dpop-nonce': nonce })

/** What a proof says; that it is signed rightly is the strict server's to judge. */
function proofOf({ headers }: Seen) {
  const [header, payload] = String(headers.dpop)
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')))
  return { header, payload }
}

/** Renews at a server that gives these answers, one after the other. */
async function renewed(...answers: Answer[]) {
  const proofKey = await createProofKey()
  const server = await answering(() => answers.shift() ?? GOOD)
  const again = () => refreshTokens(partyAt(server.origin, { proofKey }), new Secret('rt-old-0123456789'))
  return { outcome: await again(), again, ...server }
}

describe('a proof', () => {
  test('names the method and the address, and shows the public half of the key alone', async () => {
    const { seen, origin } = await renewed()
    const { header, payload } = proofOf(seen[0]!)
    expect(header).toEqual({
      alg: 'ES256',
      typ: 'dpop+jwt',
      jwk: { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String) },
    })
    expect(payload).toMatchObject({ htm: 'POST', htu: `${origin}/token`, iat: expect.any(Number) })
    expect(payload).not.toHaveProperty('nonce')
  })

  test('is made anew each time', async () => {
    const { seen, again } = await renewed()
    await again()
    const [first, second] = seen.map(proofOf)
    expect(first!.payload.jti).not.toBe(second!.payload.jti)
  })

  test('carries the nonce that the server asks for, and the newest one from then on', async () => {
    const { outcome, seen, again } = await renewed(NONCE('n-1'), {
      ...GOOD,
      headers: { 'dpop-nonce': 'n-2' },
    })
    expect(outcome).toMatchObject({ tokens: { tokenType: 'dpop' } })
    await again()
    expect(seen.map((one) => proofOf(one).payload.nonce)).toEqual([undefined, 'n-1', 'n-2'])
  })

  test('is made by the clock of a server that refuses ours', async () => {
    const away = -600_000
    const date = new Date(Date.now() + away).toUTCString()
    const { outcome, seen } = await renewed(refused('invalid_dpop_proof', { date }), {
      ...GOOD,
      headers: { date },
    })
    expect(outcome).toHaveProperty('tokens')
    const [ours, theirs] = seen.map((one) => proofOf(one).payload.iat * 1000)
    expect(Math.abs(ours! - Date.now())).toBeLessThan(60_000)
    expect(Math.abs(theirs! - (Date.now() + away))).toBeLessThan(60_000)
  })

  test.each([
    ['asks for a nonce for ever', () => NONCE(`n-${Math.random()}`), 2],
    ['refuses every proof', () => refused('invalid_dpop_proof'), 1],
    ['asks for a nonce and gives none', () => refused('use_dpop_nonce'), 1],
  ])('is not made for ever for a server that %s', async (_, answer, requests) => {
    const { outcome, seen } = await renewed(...Array.from({ length: 9 }, answer))
    expect(outcome).toMatchObject({ refusal: { kind: 'refused' } })
    expect(seen).toHaveLength(requests)
    if ('refusal' in outcome)
      expect(createRefusalError(outcome.refusal).hint).toContain('dpop_bound_access_tokens: true')
  })
})

describe('a bound token', () => {
  const token = new Secret('at-bound-0123456789')
  const ath = createHash('sha256').update(token.reveal()).digest('base64url')
  const challenge: Answer = {
    status: 401,
    headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-9' },
  }

  async function used(proofKey: ProofKey | undefined, ...answers: Answer[]) {
    const { origin, seen } = await answering(() => answers.shift() ?? { body: { sub: 'ada' } })
    const request = new Request(`${origin}/me?all=1`, { method: 'PUT', body: 'what is put' })
    return { answer: await fetchWithToken(port, request, { token, key: proofKey }), seen, origin }
  }

  test('goes out with a proof over itself, its address without the query, and the body', async () => {
    const { answer, seen, origin } = await used(await createProofKey())
    expect(answer.status).toBe(200)
    expect(seen[0]!.headers.authorization).toBe('DPoP at-bound-0123456789')
    expect(proofOf(seen[0]!).payload).toMatchObject({ htm: 'PUT', htu: `${origin}/me`, ath })
    expect(seen[0]!.form.has('what is put')).toBe(true)
  })

  test('is sent again, body and all, to a resource that asks for a nonce, and once only', async () => {
    const { answer, seen } = await used(await createProofKey(), challenge, challenge)
    expect(answer.status).toBe(401)
    expect(seen.map((one) => proofOf(one).payload.nonce)).toEqual([undefined, 'n-9'])
    expect(seen[1]!.form.has('what is put')).toBe(true)
  })

  test('is a bearer token without its key', async () => {
    const { seen } = await used(undefined)
    expect(seen[0]!.headers).toMatchObject({ authorization: 'Bearer at-bound-0123456789' })
    expect(seen[0]!.headers).not.toHaveProperty('dpop')
  })

  test('reads its profile with a proof and a nonce, too', async () => {
    const answers = [challenge]
    const { origin, seen } = await answering(() => answers.shift() ?? { body: { sub: 'ada' } })
    const profile = await fetchProfile(port, { url: `${origin}/me` }, token, await createProofKey())
    expect(profile).toEqual({ sub: 'ada' })
    expect(seen).toHaveLength(2)
  })
})
