import { DaypassError, isDaypassError } from '../core/errors.ts'
import { shown } from '../core/text.ts'
import { type Context, type Found, found, withConfigured } from './context.ts'

/** The one identity of an API. Throws `not_found` where there is none, `usage` where there are several. */
export async function identityAt(context: Context, apiUrl: string): Promise<string> {
  const all = await withApi(context)
  const here = all.filter(({ definition: { provider, params } }) => {
    return params.api_url === (provider.params.api_url?.normal?.(apiUrl) ?? apiUrl)
  })
  const [only, ...more] = here.map(({ definition }) => definition.name)
  if (only === undefined) throw noneAt(apiUrl, all)
  if (more.length === 0) return only
  throw new DaypassError(
    'usage',
    `several identities are at ${originOf(apiUrl)}: ${[only, ...more].join(', ')}`,
    {
      hint: `name the one that is meant: -i ${only}`,
    },
  )
}

async function withApi(context: Context): Promise<Found[]> {
  const kept = await context.vault.list()
  const headers = new Map(kept.flatMap((one) => ('header' in one ? [[one.name, one.header]] : [])))
  const all = await Promise.all(
    withConfigured(context, [...headers.keys()]).map((name) =>
      // What is wrong with another identity is said where that one is meant.
      found(context, name, headers.get(name)).catch((error: unknown) => {
        if (!isDaypassError(error)) throw error
      }),
    ),
  )
  return all.filter((one) => one?.definition.params.api_url !== undefined) as Found[]
}

function noneAt(apiUrl: string, all: readonly Found[]): DaypassError {
  const known = all.map(({ definition: { name, params } }) => `${name} (${shown(params.api_url)})`)
  const others = known.length === 0 ? ', nor at any other API' : `; there are ${known.join(', ')}`
  return new DaypassError('not_found', `no identity is at ${originOf(apiUrl)}${others}`, {
    advice: { verb: 'login', args: ['PROVIDER'], flags: ['--api-url', originOf(apiUrl)] },
  })
}

/** Without a password that may have been typed into it. */
const originOf = (url: string) => shown(URL.canParse(url) ? new URL(url).origin : url)
