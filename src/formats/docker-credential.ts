/** docker's credential helper protocol: https://github.com/docker/docker-credential-helpers */

import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { BearerCredential } from '../core/types.ts'
import { isKeyBound } from './token.ts'

/** docker compares this text exactly, and then goes on without a credential. */
export const NOT_FOUND = 'credentials not found in native keychain'

/** Entries that docker's own login stores beside a registry for its own servers. */
const DOCKER_LOGIN_ENTRY = /\/(?:access|refresh)-token$/

/** Parses the name of a registry: usually a host, sometimes an address. */
export function parseServer(text: string): { protocol: string; host: string } {
  if (DOCKER_LOGIN_ENTRY.test(text.trim())) return { protocol: 'https', host: '' }
  const [, protocol = 'https', host = ''] = /^(?:(https?):\/\/)?([^/]+)(?:\/\S*)?$/.exec(text.trim()) ?? []
  return { protocol, host }
}

/** The only registry that docker names by an address. */
const DOCKER_HUB = { host: 'index.docker.io', name: 'https://index.docker.io/v1/' }

/** Returns docker's name for the registry at a host. */
export const formatRegistryName = (host: string) => (host === DOCKER_HUB.host ? DOCKER_HUB.name : host)

/** Returns the host as a person writes it in an image's name. */
export const formatImageHost = (host: string) => (host === DOCKER_HUB.host ? 'docker.io' : host)

/** Formats the answer to `get`. `server`: the name that docker used. */
export function formatDockerCredential(server: string, user: string, credential: BearerCredential): string {
  if (isKeyBound(credential))
    throw new DaypassError('usage', 'the token is bound to a key, and docker cannot prove that it has that', {
      hint: 'log in without DPoP: dpop_bound_access_tokens: false',
    })
  return formatJson({ ServerURL: server, Username: user, Secret: credential.token.reveal() })
}
