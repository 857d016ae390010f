/** What docker and its credential helpers say to each other. https://github.com/docker/docker-credential-helpers */
import { DaypassError } from '../core/errors.ts'
import type { BearerCredential } from '../core/types.ts'
import { isBound } from './token.ts'

/** Told word for word, so that docker goes on without a credential. */
export const NOT_FOUND = 'credentials not found in native keychain'

/** What a registry is called: a host, mostly; or an address. */
export function readServer(text: string): { protocol: string; host: string } {
  const [, protocol = 'https', host = ''] = /^(?:(https?):\/\/)?([^/]+)(?:\/\S*)?$/.exec(text.trim()) ?? []
  return { protocol, host }
}

/** The answer to `get`. `server`: as docker has called it. */
export function dockerAnswer(server: string, user: string, credential: BearerCredential): string {
  if (isBound(credential))
    throw new DaypassError('usage', 'the token is bound to a key, and docker cannot prove that it has that', {
      hint: 'log in without DPoP: dpop_bound_access_tokens: false',
    })
  return JSON.stringify({ ServerURL: server, Username: user, Secret: credential.token.reveal() })
}
