import { Secret } from '../core/secret.ts'
import type { Credential, Host } from '../core/types.ts'
import type { CredentialUrl, Provider } from '../providers/provider.ts'

/** What the environment holds for a provider: used as it is, never kept, never renewed. */
export interface EnvironmentCredential {
  provider: string
  variable: string
  credential: Credential
  /** Of one that says itself whose it is: it stands in for nobody else's. */
  whole?: Pick<CredentialUrl, 'account' | 'endpoints'>
}

/** Bearer tokens: the first variable that is set, of each provider. */
export function listEnvTokens(
  providers: readonly Provider[],
  env: Host['env'],
  now: number,
): EnvironmentCredential[] {
  return providers.flatMap(({ id, environment }) => {
    const variable = environment.token.find((name) => env[name])
    if (variable === undefined) return []
    const token = new Secret(env[variable]!)
    return [
      { provider: id, variable, credential: { kind: 'bearer', token, tokenType: 'bearer', issuedAt: now } },
    ]
  })
}

/** The token of the environment that stands in for an identity of this provider that was found, not named. */
export const findEnvOverride = (
  provider: Provider,
  { env, now }: { env: Host['env']; now: number },
): EnvironmentCredential | undefined => listEnvTokens([provider], env, now)[0]

/** Access keys, where both halves are there. */
export function listEnvKeys(
  providers: readonly Provider[],
  env: Host['env'],
  now: number,
): EnvironmentCredential[] {
  return providers.flatMap(({ id, keys, environment }) => {
    const variables = environment.export ?? {}
    const findSetName = (names: readonly string[] = []) => names.find((name) => env[name]) ?? ''
    const variable = findSetName(variables.accessKeyId)
    const key = env[variable]
    const secret = env[findSetName(variables.secretAccessKey)]
    const session = env[findSetName(variables.sessionToken)]
    if (!keys || !key || !secret) return []
    const credential: Credential = {
      kind: 'keys',
      cloud: keys.cloud,
      accessKeyId: key,
      secretAccessKey: new Secret(secret),
      ...(session && { sessionToken: new Secret(session) }),
      issuedAt: now,
    }
    return [{ provider: id, variable, credential }]
  })
}

/** Credentials that are written in one text. */
export function listEnvCredentialUrls(
  providers: readonly Provider[],
  env: Host['env'],
  now: number,
): EnvironmentCredential[] {
  return providers.flatMap((provider) => {
    const variable = provider.environment.credentialUrl?.env.find((name) => env[name]) ?? ''
    const read = provider.environment.credentialUrl?.read(env[variable] ?? '')
    if (!read) return []
    const { account, endpoints } = read
    const credential = createUrlCredential(provider, read, now)
    const whole = { account, ...(endpoints && { endpoints }) }
    return credential ? [{ provider: provider.id, variable, credential, whole }] : []
  })
}

function createUrlCredential(
  { keys: of }: Provider,
  { token, keys }: CredentialUrl,
  issuedAt: number,
): Credential | undefined {
  if (token) return { kind: 'bearer', token: new Secret(token), tokenType: 'bearer', issuedAt }
  if (!keys || !of) return undefined
  const { id, secret } = keys
  return { kind: 'keys', cloud: of.cloud, accessKeyId: id, secretAccessKey: new Secret(secret), issuedAt }
}
