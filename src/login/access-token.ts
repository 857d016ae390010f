/** Login with a personal access token: the grant cannot be renewed. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Host } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { findProfile } from './account.ts'
import { findServer } from './connect.ts'
import type { LoginTarget, ObtainedLogin } from './stages.ts'

/** Checks the token at the provider before it is stored. Throws `login_required` where it is refused. */
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
    // No endpoint issued the token, so it is bound to the one that checked it.
    profile: where.url,
  }
}

/** Any refusal of a personal access token means that another token is needed. */
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
