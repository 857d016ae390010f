import { Secret } from '../core/secret.ts'
import type { Credential, Host } from '../core/types.ts'
import type { CredentialUrl, Provider } from '../providers/provider.ts'

/** A credential from an environment variable: used unchanged, never stored, never renewed. */
export interface EnvironmentCredential {
  provider: string
  variable: string
  credential: Credential
  /** For a credential URL, which names its account: it is used for that account only. */
  whole?: Pick<CredentialUrl, 'account' | 'endpoints'>
}

/** Lists bearer tokens: for each provider, the first variable that is set. */
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

/**
 * Returns the environment token that replaces an identity of this provider. It applies only where the
 * identity was not named explicitly.
 */
export const findEnvOverride = (
  provider: Provider,
  { env, now }: { env: Host['env']; now: number },
): EnvironmentCredential | undefined => listEnvTokens([provider], env, now)[0]

/** Lists access keys where both key id and secret are set. */
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

/** Lists credentials that are written as one text. */
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
