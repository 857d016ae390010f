/** What docker and its credential helpers say to each other. https://github.com/docker/docker-credential-helpers */

import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { BearerCredential } from '../core/types.ts'
import { isKeyBound } from './token.ts'

/** Told word for word, so that docker goes on without a credential. */
export const NOT_FOUND = 'credentials not found in native keychain'

/** What docker's own login keeps beside a registry, and sends to its own servers. */
const DOCKER_LOGIN_ENTRY = /\/(?:access|refresh)-token$/

/** What a registry is called: a host, mostly; or an address. */
export function parseServer(text: string): { protocol: string; host: string } {
  if (DOCKER_LOGIN_ENTRY.test(text.trim())) return { protocol: 'https', host: '' }
  const [, protocol = 'https', host = ''] = /^(?:(https?):\/\/)?([^/]+)(?:\/\S*)?$/.exec(text.trim()) ?? []
  return { protocol, host }
}

/** Its own registry is the only one that docker calls by an address. */
const DOCKER_HUB = { host: 'index.docker.io', name: 'https://index.docker.io/v1/' }

/** What docker calls the registry at a host. */
export const formatRegistryName = (host: string) => (host === DOCKER_HUB.host ? DOCKER_HUB.name : host)

/** As a person writes an image's name. */
export const formatImageHost = (host: string) => (host === DOCKER_HUB.host ? 'docker.io' : host)

/** The answer to `get`. `server`: as docker has called it. */
export function formatDockerCredential(server: string, user: string, credential: BearerCredential): string {
  if (isKeyBound(credential))
    throw new DaypassError('usage', 'the token is bound to a key, and docker cannot prove that it has that', {
      hint: 'log in without DPoP: dpop_bound_access_tokens: false',
    })
  return formatJson({ ServerURL: server, Username: user, Secret: credential.token.reveal() })
}
