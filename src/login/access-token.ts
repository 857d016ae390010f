/** A login by a personal access token: a grant with nothing to renew. */
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { Secret } from '../core/secret.ts'
import type { Host } from '../core/types.ts'
import type { Definition } from '../identity/definition.ts'
import { fetchProfile } from '../oauth/profile.ts'
import { newEntry } from '../refresh/oauth.ts'
import { serverOf } from './connect.ts'
import { about, profileOf } from './new-record.ts'
import type { LoggedIn, LoginOptions } from './options.ts'

/** Checked with the provider before it is kept: a token that it refuses is `login_required`. */
export async function byToken(host: Host, definition: Definition, options: LoginOptions): Promise<LoggedIn> {
  const { provider, name } = definition
  const token = options.token ?? (await readToken(host, definition))
  const where = profileOf(definition) ?? profileOf(definition, await serverOf(definition, host))
  if (!where) {
    throw new DaypassError('usage', `${provider.title} has no endpoint that could check a token`, {
      hint: `write endpoints.userinfo into the configuration of ${name}`,
    })
  }
  const account = provider.account.read(await profileOrRefusal(host, where, token))
  const credential = { kind: 'bearer', token, tokenType: 'bearer', issuedAt: host.now() } as const
  // No endpoint issued it; it is bound to the one that knew it.
  const endpoints = { userinfo: where.url }
  const header = { ...about(host, definition, undefined, 'token', account), endpoints }
  return { entry: newEntry(header, { credential }, 0), settle: async () => undefined }
}

/** Whatever way a token is refused that someone hands in, they need another one. */
async function profileOrRefusal(...asked: Parameters<typeof fetchProfile>) {
  return fetchProfile(...asked).catch((error: unknown) => {
    if (!isDaypassError(error, 'refused')) throw error
    throw error.as('login_required')
  })
}

async function readToken({ terminal }: Host, { provider }: Definition): Promise<Secret> {
  const text = (await terminal.readSecret(`Paste a personal access token of ${provider.title}:`))?.trim()
  if (text) return new Secret(text)
  throw new DaypassError('usage', 'no token came on standard input', {
    hint: `daypass login ${provider.id} --token-stdin < token.txt`,
  })
}
