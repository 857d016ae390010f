/** Selects the token for a Kubernetes cluster. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { computeTimeLeft, isUsable } from '../core/freshness.ts'
import type { Secret } from '../core/secret.ts'
import type { BearerCredential, Time } from '../core/types.ts'
import { parseJwtTimes } from '../oauth/jwt.ts'
import type { Context } from './context.ts'
import { type CredentialResult, getCredentialDefinition, resolveCredential } from './credential.ts'

export interface ClusterToken {
  identity: string
  token: Secret
  /** By this machine's clock. */
  expiresAt?: Time
}

/** Returns the id_token where there is one and the configuration allows it; renews an expired one. */
export async function getClusterToken(context: Context, selected: string | undefined): Promise<ClusterToken> {
  const handed = await resolveCredential(context, selected, {})
  const definition = await getCredentialDefinition(context, handed)
  const credential = requireBearer(handed)
  const wanted = definition.kubeToken ?? (credential.idToken ? 'id_token' : 'access_token')
  const by = buildClusterToken(handed)
  if (wanted === 'access_token') return by(credential.token, credential.expiresAt)
  const { margin } = definition.provider.tokens.refresh
  const { idToken, life } = await refreshIdToken(context, handed, margin)
  return by(idToken, life.expiresAt)
}

const buildClusterToken =
  ({ identity, header }: CredentialResult) =>
  (token: Secret, expiresAt: Time | undefined): ClusterToken => ({
    identity,
    token,
    ...(expiresAt !== undefined && { expiresAt: expiresAt - (header?.clockOffset ?? 0) }),
  })

function requireBearer({ identity, credential }: CredentialResult): BearerCredential {
  if (credential.kind === 'bearer') return credential
  throw new DaypassError('usage', `${identity} has cloud keys, and a cluster wants a token`, {
    hint: (command) =>
      `use the cloud's own plugin with ${command({ verb: 'exec' })}, or ${command({ verb: 'setup', args: ['aws'] })}`,
  })
}

interface IdToken {
  idToken: Secret
  life: { issuedAt?: Time; expiresAt?: Time; clockOffset: number }
}

/** Renews both tokens where the id_token expires before the access token. */
async function refreshIdToken(context: Context, handed: CredentialResult, margin: number): Promise<IdToken> {
  const { host } = context
  const { identity, header, credential } = handed
  const first = requireIdToken(handed)
  if (!header?.renewable || isUsable(first.life, host.now(), margin))
    return assertUnexpired(context, identity, first)
  try {
    const rejected = requireBearer({ identity, credential }).token
    return assertUnexpired(
      context,
      identity,
      requireIdToken(await resolveCredential(context, identity, { rejected })),
    )
  } catch (error) {
    if (!isDaypassError(error, 'network') || computeTimeLeft(first.life, host.now()) <= 0) throw error
    host.terminal.warn(`${identity} could not be renewed, using what is left of it: ${error.message}`)
    return first
  }
}

function requireIdToken(handed: CredentialResult): IdToken {
  const { idToken } = requireBearer(handed)
  const { identity, header } = handed
  if (idToken === undefined)
    throw new DaypassError('usage', `${identity} has no id_token`, {
      hint: (command) =>
        `${command({ verb: 'login', identity, flags: ['--scopes', '"openid …"'] })}, or kube_token: access_token in config.yaml`,
    })
  return { idToken, life: { ...parseJwtTimes(idToken), clockOffset: header?.clockOffset ?? 0 } }
}

/** Throws where it has expired: a server need not issue a new one on renewal (OpenID Connect Core §12.2). */
function assertUnexpired({ host }: Context, identity: string, found: IdToken): IdToken {
  if (computeTimeLeft(found.life, host.now()) > 0) return found
  throw new DaypassError('login_required', `the id_token of ${identity} is over, and there is no new one`, {
    advice: { verb: 'login', identity },
  })
}
