import { DaypassError, isDaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { consoleUrl, getSigninTokenUrl } from '../../formats/console-url.ts'
import { ask, unreachable } from '../../oauth/http.ts'
import { handOut } from '../hand-out.ts'
import type { Answer, World } from '../output/result.ts'
import { jsonLine } from '../output/result.ts'

export interface ConsoleFlags {
  print?: boolean | undefined
  service?: string | undefined
  destination?: string | undefined
  region?: string | undefined
  browser?: string | undefined
}

/** Opens the web console as this identity, or only says the address, which is as good as being signed in. */
export async function webConsole(
  world: World,
  selected: string | undefined,
  flags: ConsoleFlags,
): Promise<Answer> {
  const { daypass, host, json } = world
  const { identity, credential } = await handOut(world, selected, undefined)
  const { provider, params, endpoints } = await daypass.definition(identity)
  const consoleHost = provider.helpers.console?.(params)
  if (!consoleHost || !endpoints.federation || credential.kind !== 'keys')
    throw new DaypassError('usage', `${provider.title} has no console that daypass can open`, {
      hint: 'daypass list shows what there is',
    })
  const token = await signinToken(world, getSigninTokenUrl(endpoints.federation, credential))
  const region = flags.region ?? params.region
  // Where the console sends a person whose session is over.
  const issuer = `https://${consoleHost}/`
  const page = { issuer, consoleHost, region, service: flags.service, destination: flags.destination }
  const url = consoleUrl(endpoints.federation, token, page)
  if (flags.print || json) return { out: json ? jsonLine({ identity, url }) : url }
  if (await host.openBrowser(url, flags.browser)) {
    host.terminal.say(`Opened the console of ${provider.title} as ${identity}`)
    return {}
  }
  throw new DaypassError('not_found', 'no browser could be opened here', {
    hint: `daypass console ${identity} --print`,
  })
}

async function signinToken({ host }: World, url: string): Promise<Secret> {
  // The address holds the keys, so no error may repeat it.
  const answer = await ask(host, url, {}).catch((error: unknown) => {
    throw isDaypassError(error) ? error : unreachable(new URL(new URL(url).origin), error)
  })
  const token = answer.status === 200 ? tokenIn(answer.text) : undefined
  if (token) return new Secret(token)
  const { host: at } = new URL(url)
  if (answer.status >= 500 || answer.status === 429)
    throw new DaypassError('network', `${at} answered ${answer.status}`, { hint: 'try again in a while' })
  throw new DaypassError('refused', `${at} gives no console for these keys (${answer.status})`, {
    hint: 'the console takes keys of a role: daypass console <identity>, one of kind aws/assume-role or signed in as a role',
  })
}

function tokenIn(text: string): string | undefined {
  try {
    const { SigninToken } = JSON.parse(text) as { SigninToken?: unknown }
    return typeof SigninToken === 'string' && SigninToken !== '' ? SigninToken : undefined
  } catch {
    return undefined
  }
}
