/** A login by a personal access token: a grant with nothing to renew. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Host } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { findProfile } from './account.ts'
import { findServer } from './connect.ts'
import type { LoginTarget, ObtainedLogin } from './stages.ts'

/** The provider checks it before it is kept. A token that the provider refuses is `login_required`. */
export async function obtainToken({ host, definition, options }: LoginTarget): Promise<ObtainedLogin> {
  const { provider, name } = definition
  const token = options.token ?? (await readToken(host, definition))
  const where = findProfile(definition) ?? findProfile(definition, await findServer(definition, host))
  if (!where) {
    throw new DaypassError('usage', `${provider.title} has no endpoint that could check a token`, {
      hint: `write endpoints.userinfo into the configuration of ${name}`,
    })
  }
  const account = provider.account.read(await fetchProfileOrRefuse(host, where, token))
  const credential = { kind: 'bearer', token, tokenType: 'bearer', issuedAt: host.now() } as const
  return {
    host,
    definition,
    method: 'token',
    account,
    grant: { credential },
    clockOffset: 0,
    // No endpoint issued it. It is bound to the one that checked it.
    profile: where.url,
  }
}

/** However a provider refuses a token that was handed in, another token is needed. */
async function fetchProfileOrRefuse(...request: Parameters<typeof fetchProfile>) {
  return fetchProfile(...request).catch((error: unknown) => {
    if (!isDaypassError(error, 'refused')) throw error
    throw error.as('login_required')
  })
}

async function readToken({ terminal }: Host, { provider }: Definition): Promise<Secret> {
  const text = (await terminal.readSecret(`Paste a personal access token of ${provider.title}:`))?.trim()
  if (text) return new Secret(text)
  throw new DaypassError('usage', 'no token came on standard input', {
    hint: (command) =>
      `${command({ verb: 'login', args: [provider.id], flags: ['--token-stdin'] })} < token.txt`,
  })
}
