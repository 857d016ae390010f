import type { Endpoints, KeysCredential } from '../core/types.ts'
import { resolveCloud } from './clouds.ts'
import type { Port, StsOutcome, TokenService } from './request.ts'

/** The owner of keys, in the claims that a provider reads. */
export type CallerClaims = { sub: string }

/** Returns the token service of an identity's cloud and region. */
export function createTokenService(
  endpoints: Endpoints,
  params: Readonly<Record<string, string>>,
  clockOffset = 0,
): TokenService {
  return { url: endpoints.sts!, region: params.region!, clockOffset }
}

export async function identifyCaller(
  port: Port,
  at: TokenService,
  credential: Omit<KeysCredential, 'issuedAt'>,
): Promise<StsOutcome<CallerClaims>> {
  const outcome = await resolveCloud(credential).sts.getCallerIdentity(port, at, credential)
  return 'refusal' in outcome ? outcome : { ...outcome, value: { sub: outcome.value.arn } }
}
