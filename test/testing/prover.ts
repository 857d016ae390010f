import * as oauth from 'oauth4webapi'
import type { AuthorizationServer } from '../../src/testing/index.ts'

export type Flaw = oauth.ModifyAssertionFunction

interface ProverOptions {
  client?: oauth.Client
  algorithm?: 'ES256' | 'RS256'
}

/** A key, and the hand that signs proofs with it. */
export async function prover(flaw?: Flaw, options: ProverOptions = {}): Promise<oauth.DPoPHandle> {
  const { client = { client_id: 'any' }, algorithm = 'ES256' } = options
  const keys = await oauth.generateKeyPair(algorithm)
  return oauth.DPoP(client, keys, flaw && { [oauth.modifyAssertion]: flaw })
}

/** The resource, asked with a proof: 200, or the error of its challenge. */
export async function ask({ endpoints }: AuthorizationServer, token: string, proof: oauth.DPoPHandle) {
  const options = { DPoP: proof, [oauth.allowInsecureRequests]: true } as const
  const request = oauth.protectedResourceRequest
  try {
    const url = new URL(endpoints.resource)
    const response = await request(token, 'GET', url, undefined, undefined, options)
    return response.status
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    return error.cause.find(({ scheme }) => scheme === 'dpop')?.parameters.error
  }
}
