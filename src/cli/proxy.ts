import { bearerOf, type Handed, proofKeyOf } from '../client/credential.ts'
import { originsOf, userOf } from '../client/hosts.ts'
import { DaypassError } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import type { Provider } from '../providers/define.ts'
import type { ApiProxy, ProxyOptions } from '../serve/proxy.ts'
import type { World } from './answer.ts'
import { notOurs } from './live.ts'

type Where = Pick<ProxyOptions, 'place' | 'routes' | 'onAsked' | 'onAnswered'>

/** Somebody who stands before APIs with the token of the identity. */
export async function openApi(
  { daypass, host }: World,
  { identity, header }: Handed,
  where: Where,
): Promise<ApiProxy> {
  const definition = await daypass.definition(identity)
  const { provider, params } = definition
  const headers = provider.headers?.(params)
  const { startProxy } = await import('../serve/proxy.ts')
  return startProxy({
    ...where,
    host,
    async shown(rejected?: Secret) {
      // The very same identity, whatever the default becomes meanwhile.
      const handed = await daypass.handOut(identity, rejected ? { rejected } : {})
      return {
        token: bearerOf(handed.credential),
        key: proofKeyOf(handed.header, handed),
        renewable: handed.header?.renewable ?? false,
      }
    },
    userFor: (given) => provider.git?.user ?? (given || userOf('git', definition, header)),
    ...(headers && { headers }),
  })
}

/** One prefix for each host that the identity's token may be sent to. */
export async function openProxy(
  world: World,
  handed: Handed,
  where: Omit<Where, 'routes'>,
): Promise<ApiProxy & { hosts: Record<string, string> }> {
  const { identity, credential, header, variable } = handed
  if (variable) throw notOurs(variable, `${world.verb} --proxy`)
  const definition = await world.daypass.definition(identity)
  if (credential.kind === 'keys')
    throw keysSign(identity, definition.provider, credential.sessionToken !== undefined)
  const origins = [...originsOf(definition, header?.endpoints)]
  if (origins.length === 0) throw noHosts(identity)
  const routes = origins.map(([host, base]) => ({ prefix: `/${host}`, base }))
  const proxy = await openApi(world, handed, { ...where, routes })
  return { ...proxy, hosts: Object.fromEntries(origins.map(([host]) => [host, `${proxy.url}/${host}`])) }
}

const keysSign = (identity: string, { title, variables }: Provider, isTemporary: boolean) =>
  new DaypassError(
    'usage',
    `${identity} has keys of ${title}, and requests are signed with them by their own tools`,
    {
      hint:
        variables?.live && isTemporary
          ? `daypass serve ${identity}, or daypass exec ${identity} --endpoint -- CMD`
          : `daypass exec ${identity} -- CMD`,
    },
  )

const noHosts = (identity: string) =>
  new DaypassError('usage', `no host is known that the token of ${identity} is for`, {
    hint: `write hosts: [api.example.com] into the configuration of ${identity}`,
  })
