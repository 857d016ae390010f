import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { type Attempt, attempt, callback, exchange, login, refusalOf } from './client.ts'
import { ask, type Flaw, prover } from './prover.ts'
import { post, start } from './servers.ts'

/** A `DPoP` header for the token endpoint, as the client library would send it. */
async function header({ as, client }: Attempt, proof: oauth.DPoPHandle): Promise<string> {
  let header = ''
  const options = {
    DPoP: proof,
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: async (_: string, { headers }: { headers: Record<string, string> }) => {
      header = headers.dpop!
      return new Response()
    },
  } as const
  await oauth.refreshTokenGrantRequest(as, client, oauth.None(), 'none', options)
  return header
}

describe('a proof is refused, and the code stays good', () => {
  const payload =
    (change: Record<string, string | number>): Flaw =>
    (_, claims) =>
      void Object.assign(claims, change)
  const head =
    (change: Record<string, string>): Flaw =>
    (top) =>
      void Object.assign(top, change)
  const jwk =
    (change: Record<string, string>): Flaw =>
    (top) =>
      void Object.assign(top.jwk as object, change)
  const minutes =
    (count: number): Flaw =>
    (_, claims) =>
      void Object.assign(claims, { iat: Number(claims.iat) + count * 60 })

  test.each<[string, Flaw]>([
    ['of another type', head({ typ: 'JWT' })],
    ['of another algorithm', head({ alg: 'RS256' })],
    ['with its private key', jwk({ d: 'x'.repeat(43) })],
    ['with a key that is none', jwk({ x: 'x'.repeat(43) })],
    ['for another method', payload({ htm: 'GET' })],
    ['for another place', payload({ htu: 'http://127.0.0.1:9/token' })],
    ['two minutes old', minutes(-2)],
    ['two minutes ahead', minutes(2)],
    ['without its own id', payload({ jti: '' })],
  ])('%s', async (_, flaw) => {
    const begun = await attempt(await start({ dpop: 'offered' }))
    const called = await callback(begun)
    const wrong = { ...begun, proof: await prover(flaw) }
    expect(await refusalOf(exchange(wrong, called))).toBe('invalid_dpop_proof')
    expect((await exchange({ ...begun, proof: await prover() }, called)).token_type).toBe('dpop')
  })

  test('with a key of another kind than it says', async () => {
    const begun = await attempt(await start({ dpop: 'offered' }))
    const wrong = { ...begun, proof: await prover(head({ alg: 'ES256' }), { algorithm: 'RS256' }) }
    expect(await refusalOf(exchange(wrong, await callback(begun)))).toBe('invalid_dpop_proof')
  })

  test('for an address with a query', async () => {
    const begun = await attempt(await start({ dpop: 'offered' }))
    const query: Flaw = (_, claims) => void Object.assign(claims, { htu: `${claims.htu}?x=1` })
    const wrong = { ...begun, proof: await prover(query) }
    expect(await refusalOf(exchange(wrong, await callback(begun)))).toBe('invalid_dpop_proof')
  })

  test('signed with another key, sent twice in one request, sent again', async () => {
    const server = await start({ dpop: 'offered' })
    const begun = await attempt(server)
    const grant = { grant_type: 'refresh_token', refresh_token: 'x', client_id: server.clientId }
    const errorOf = async (dpop: string) =>
      JSON.parse((await post(server.endpoints.token, grant, { dpop })).text).error
    const [one, two] = [await header(begun, await prover()), await header(begun, await prover())]
    expect(await errorOf(`${one.slice(0, one.lastIndexOf('.'))}${two.slice(two.lastIndexOf('.'))}`)).toBe(
      'invalid_dpop_proof',
    )
    // What a header that comes twice is to whoever reads it (RFC 9110 §5.3).
    expect(await errorOf(`${one}, ${two}`)).toBe('invalid_dpop_proof')
    expect([await errorOf(one), await errorOf(one)]).toEqual(['invalid_grant', 'invalid_dpop_proof'])
  })

  test('by the clock of the server', async () => {
    const server = await start({ dpop: 'required' })
    server.setClockOffset(600_000)
    const begun = await attempt(server)
    const called = await callback(begun)
    expect(await refusalOf(exchange({ ...begun, proof: await prover() }, called))).toBe('invalid_dpop_proof')
    const client = { ...begun.client, [oauth.clockSkew]: 600 }
    const proof = await prover(undefined, { client })
    expect((await exchange({ ...begun, client, proof }, called)).token_type).toBe('dpop')
  })

  test('at the resource, where it was made for another token', async () => {
    const server = await start({ dpop: 'offered' })
    const proof = await prover((_, claims) => {
      if (claims.ath !== undefined) claims.ath = 'x'.repeat(43)
    })
    const { tokens } = await login(server, proof)
    expect(await ask(server, tokens.access_token, proof)).toBe('invalid_dpop_proof')
  })
})
