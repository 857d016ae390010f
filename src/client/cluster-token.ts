/** The token that a Kubernetes cluster is shown. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { isUsable, timeLeft } from '../core/freshness.ts'
import type { Secret } from '../core/secret.ts'
import type { BearerCredential, Time } from '../core/types.ts'
import { lifeOf } from '../oauth/jwt.ts'
import type { Context } from './context.ts'
import { credentialOf, definitionBehind, type Handed } from './credential.ts'

export interface ClusterToken {
  identity: string
  token: Secret
  /** By the caller's own clock. */
  expiresAt?: Time
}

/** The id_token, where there is one and the configuration does not say otherwise; renewed where it is over. */
export async function clusterToken(context: Context, selected: string | undefined): Promise<ClusterToken> {
  const handed = await credentialOf(context, selected, {})
  const definition = await definitionBehind(context, handed)
  const credential = bearerIn(handed)
  const wanted = definition.kubeToken ?? (credential.idToken ? 'id_token' : 'access_token')
  const by = handedBy(handed)
  if (wanted === 'access_token') return by(credential.token, credential.expiresAt)
  const { margin } = definition.provider.tokens.refresh
  const { idToken, life } = await freshIdToken(context, handed, margin)
  return by(idToken, life.expiresAt)
}

const handedBy =
  ({ identity, header }: Handed) =>
  (token: Secret, expiresAt: Time | undefined): ClusterToken => ({
    identity,
    token,
    ...(expiresAt !== undefined && { expiresAt: expiresAt - (header?.clockOffset ?? 0) }),
  })

function bearerIn({ identity, credential }: Handed): BearerCredential {
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

/** It has an end of its own, which may come before the access token's: then both are renewed. */
async function freshIdToken(context: Context, handed: Handed, margin: number): Promise<IdToken> {
  const { host } = context
  const { identity, header, credential } = handed
  const first = idTokenIn(handed)
  if (!header?.renewable || isUsable(first.life, host.now(), margin)) return alive(context, identity, first)
  try {
    const rejected = bearerIn({ identity, credential }).token
    return alive(context, identity, idTokenIn(await credentialOf(context, identity, { rejected })))
  } catch (error) {
    if (!isDaypassError(error, 'network') || timeLeft(first.life, host.now()) <= 0) throw error
    host.terminal.warn(`${identity} could not be renewed, using what is left of it: ${error.message}`)
    return first
  }
}

function idTokenIn(handed: Handed): IdToken {
  const { idToken } = bearerIn(handed)
  const { identity, header } = handed
  if (idToken === undefined)
    throw new DaypassError('usage', `${identity} has no id_token`, {
      hint: (command) =>
        `${command({ verb: 'login', identity, flags: ['--scopes', '"openid …"'] })}, or kube_token: access_token in config.yaml`,
    })
  return { idToken, life: { ...lifeOf(idToken), clockOffset: header?.clockOffset ?? 0 } }
}

/** A server need not issue a new one with a renewal (OpenID Connect Core §12.2). */
function alive({ host }: Context, identity: string, found: IdToken): IdToken {
  if (timeLeft(found.life, host.now()) > 0) return found
  throw new DaypassError('login_required', `the id_token of ${identity} is over, and there is no new one`, {
    advice: { verb: 'login', identity },
  })
}
