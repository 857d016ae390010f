import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import {
  attempt,
  callback,
  exchange,
  login,
  me,
  pollDevice,
  push,
  pushed,
  refresh,
  refusalOf,
  startDevice,
} from './client.ts'
import { ask, prover } from './prover.ts'
import { start } from './servers.ts'

describe('a login with a proof of a key', () => {
  test.each(['offered', 'required'] as const)('ends in tokens bound to it (%s)', async (dpop) => {
    const server = await start({ dpop })
    const proof = await prover()
    const { tokens, ...party } = await login(server, proof)
    expect(tokens.token_type).toBe('dpop')
    expect(party.as.dpop_signing_alg_values_supported).toEqual(['ES256'])
    expect(await ask(server, tokens.access_token, proof)).toBe(200)
    const next = await refresh(party, tokens.refresh_token)
    expect(await ask(server, next.access_token, proof)).toBe(200)
  })

  test('a bound token is worth nothing without the key', async () => {
    const server = await start({ dpop: 'offered' })
    const { tokens } = await login(server, await prover())
    expect(await me(server, tokens.access_token)).toBe(401)
    expect(await ask(server, tokens.access_token, await prover())).toBe('invalid_token')
    const headers = { authorization: `DPoP ${tokens.access_token}` }
    const bare = await fetch(server.endpoints.userinfo, { headers })
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([
      401,
      'DPoP algs="ES256", error="invalid_dpop_proof"',
    ])
  })

  test('a public client renews with the same key alone, and nothing is spent by another', async () => {
    const server = await start({ dpop: 'offered' })
    const { tokens, proof, ...party } = await login(server, await prover())
    const thief = { ...party, proof: await prover() }
    expect(await refusalOf(refresh(thief, tokens.refresh_token))).toBe('invalid_grant')
    expect(await refusalOf(refresh(party, tokens.refresh_token))).toBe('invalid_grant')
    expect((await refresh({ ...party, proof: proof! }, tokens.refresh_token)).token_type).toBe('dpop')
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0, deadFamilies: 0 })
  })

  test('a confidential client renews with any key, which binds the new access token', async () => {
    const clients = [{ id: 'web', secret: 's3cret', redirects: ['http://127.0.0.1/callback'] }]
    const server = await start({ clients, dpop: 'required' })
    const auth = oauth.ClientSecretPost('s3cret')
    const begun = { ...(await attempt(server)), proof: await prover() }
    const tokens = await exchange(begun, await callback(begun), auth)
    const proof = await prover()
    const next = await refresh({ ...begun, proof }, tokens.refresh_token, auth)
    expect(await ask(server, next.access_token, proof)).toBe(200)
    expect(await ask(server, next.access_token, begun.proof)).toBe('invalid_token')
  })

  test('by device too', async () => {
    const server = await start({ dpop: 'required', device: { strictInterval: false } })
    const party = { ...(await attempt(server)), proof: await prover() }
    const begun = await startDevice(party)
    server.decideDevice('approve')
    const tokens = await pollDevice(party, begun.device_code)
    expect(await ask(server, tokens.access_token, party.proof)).toBe(200)
  })
})

describe('a login without', () => {
  test('ends in bearer tokens where proofs are offered, and where they are not looked at', async () => {
    const offered = await start({ dpop: 'offered' })
    const { tokens } = await login(offered)
    expect(await me(offered, tokens.access_token)).toBe(200)
    expect(await ask(offered, tokens.access_token, await prover())).toBe('invalid_token')
    const never = await login(await start(), await prover())
    expect(never.tokens.token_type).toBe('bearer')
    expect(never.as.dpop_signing_alg_values_supported).toBeUndefined()
  })

  test('is refused where they are required, and the code stays good', async () => {
    const begun = await attempt(await start({ dpop: 'required' }))
    const called = await callback(begun)
    expect(await refusalOf(exchange(begun, called))).toBe('invalid_dpop_proof')
    expect(await exchange({ ...begun, proof: await prover() }, called)).toMatchObject({ token_type: 'dpop' })
  })
})

describe('a nonce', () => {
  test('is demanded before anything is spent, and then taken up from each answer', async () => {
    const server = await start({ dpop: 'required', dpopNonce: true })
    const begun = { ...(await attempt(server)), proof: await prover() }
    const called = await callback(begun)
    expect(await refusalOf(exchange(begun, called))).toBe('use_dpop_nonce')
    const tokens = await exchange(begun, called)
    expect(await ask(server, tokens.access_token, begun.proof)).toBe(200)
    server.rotateDpopNonce()
    const next = await refresh(begun, tokens.refresh_token)
    server.rotateDpopNonce()
    expect(await ask(server, next.access_token, begun.proof)).toBe(200)
    expect(server.stats().by).toMatchObject({ code: 2, refresh: 1, resource: 2 })
  })

  test('that is older than the one before is demanded anew, at the resource too', async () => {
    const server = await start({ dpop: 'required', dpopNonce: true })
    const proof = await prover()
    const begun = { ...(await attempt(server)), proof }
    const called = await callback(begun)
    await refusalOf(exchange(begun, called))
    const tokens = await exchange(begun, called)
    const stale = () => {
      server.rotateDpopNonce()
      server.rotateDpopNonce()
    }
    stale()
    expect(await refusalOf(refresh(begun, tokens.refresh_token))).toBe('use_dpop_nonce')
    const next = await refresh(begun, tokens.refresh_token)
    stale()
    expect(await ask(server, next.access_token, proof)).toBe('use_dpop_nonce')
    expect(await ask(server, next.access_token, proof)).toBe(200)
    expect(server.stats()).toMatchObject({ refreshes: 1, reuses: 0 })
  })
})

describe('a code is bound to the key that was announced', () => {
  const thumbprint = (proof: oauth.DPoPHandle) => proof.calculateThumbprint()

  test('at the authorization endpoint', async () => {
    const [proof, thief] = [await prover(), await prover()]
    const server = await start({ dpop: 'offered' })
    const begun = await attempt(server, { dpop_jkt: await thumbprint(proof) })
    const called = await callback(begun)
    for (const wrong of [begun, { ...begun, proof: thief }]) {
      expect(await refusalOf(exchange(wrong, called))).toBe('invalid_grant')
    }
    expect((await exchange({ ...begun, proof }, called)).token_type).toBe('dpop')
    const misshapen = await callback(await attempt(server, { dpop_jkt: 'short' }))
    expect(misshapen.searchParams.get('error')).toBe('invalid_request')
  })

  test('in a pushed request, by parameter or by proof', async () => {
    const server = await start({ dpop: 'offered', par: 'required' })
    const [proof, thief] = [await prover(), await prover()]
    const announced = await attempt(server, { dpop_jkt: await thumbprint(proof) })
    const proving = { ...(await attempt(server)), proof }
    for (const begun of [await pushed(announced), await pushed(proving)]) {
      const called = await callback(begun)
      expect(await refusalOf(exchange({ ...begun, proof: thief }, called))).toBe('invalid_grant')
      expect((await exchange({ ...begun, proof }, called)).token_type).toBe('dpop')
    }
    expect(await refusalOf(push({ ...announced, proof: thief }))).toBe('invalid_dpop_proof')
  })

  test('nonces are demanded of a pushed request too', async () => {
    const server = await start({ dpop: 'offered', dpopNonce: true, par: 'required' })
    const begun = { ...(await attempt(server)), proof: await prover() }
    expect(await refusalOf(push(begun))).toBe('use_dpop_nonce')
    expect((await push(begun)).expires_in).toBe(60)
  })
})
