import { DaypassError, isDaypassError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { buildIdentity, type Context, type LoadedIdentity, mergeConfiguredNames } from './context.ts'

/** Returns the only identity of an API. Throws `not_found` for none, `usage` for several. */
export async function getIdentityByUrl(context: Context, apiUrl: string): Promise<string> {
  const all = await loadApiIdentities(context)
  const here = all.filter(({ definition: { provider, params } }) => {
    return params.api_url === (provider.params.api_url?.normalize?.(apiUrl) ?? apiUrl)
  })
  const [only, ...more] = here.map(({ definition }) => definition.name)
  if (only === undefined) throw createNoIdentityError(apiUrl, all)
  if (more.length === 0) return only
  throw new DaypassError(
    'usage',
    `several identities are at ${formatOrigin(apiUrl)}: ${[only, ...more].join(', ')}`,
    {
      hint: `name the one that is meant: -i ${only}`,
    },
  )
}

async function loadApiIdentities(context: Context): Promise<LoadedIdentity[]> {
  const kept = await context.vault.list()
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const all = await Promise.all(
    mergeConfiguredNames(context, [...headers.keys()]).map((name) =>
      // Problems of another identity are reported when that one is used.
      buildIdentity(context, name, headers.get(name)).catch((error: unknown) => {
        if (!isDaypassError(error)) throw error
      }),
    ),
  )
  return all.filter((one) => one?.definition.params.api_url !== undefined) as LoadedIdentity[]
}

function createNoIdentityError(apiUrl: string, all: readonly LoadedIdentity[]): DaypassError {
  const known = all.map(({ definition: { name, params } }) => `${name} (${sanitize(params.api_url)})`)
  const others = known.length === 0 ? ', nor at any other API' : `; there are ${known.join(', ')}`
  return new DaypassError('not_found', `no identity is at ${formatOrigin(apiUrl)}${others}`, {
    advice: { verb: 'login', args: ['PROVIDER'], flags: ['--api-url', formatOrigin(apiUrl)] },
  })
}

/** Formats the origin, without a password that may have been typed into the URL. */
const formatOrigin = (url: string) => sanitize(URL.canParse(url) ? new URL(url).origin : url)
