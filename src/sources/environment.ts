import { Secret } from '../core/secret.ts'
import type { BearerCredential, Host } from '../core/types.ts'
import type { Provider } from '../providers/define.ts'

/** A bearer token that the environment holds for a provider: used as it is, never kept, never renewed. */
export interface FromEnvironment {
  provider: string
  variable: string
  credential: BearerCredential
}

/** The first variable that is set, of each provider. */
export function bearersOf(providers: readonly Provider[], env: Host['env'], now: number): FromEnvironment[] {
  return providers.flatMap(({ id, env: names }) => {
    const variable = names.find((name) => env[name])
    if (variable === undefined) return []
    const token = new Secret(env[variable]!)
    return [
      { provider: id, variable, credential: { kind: 'bearer', token, tokenType: 'bearer', issuedAt: now } },
    ]
  })
}
