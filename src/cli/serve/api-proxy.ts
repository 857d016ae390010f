import { bearerOf, type Handed, proofKeyOf } from '../../client/credential.ts'
import { originsOf, userOf } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'
import type { Header } from '../../core/types.ts'
import type { Definition } from '../../identity/definition.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Route } from '../../server/proxy-route.ts'
import type { ApiProxy, ProxyOptions } from '../../server/reverse-proxy.ts'
import type { World } from '../output/result.ts'
import { elsewhere, notOurs } from './credential-endpoint.ts'

interface Where extends Pick<ProxyOptions, 'place' | 'onAsked' | 'onAnswered'> {
  /** Where its token may go, of the identity as it stands: another login of that name may be at another server. */
  routesOf(definition: Definition, header: Header | undefined): Route[]
}

/** Somebody who stands before APIs with the token of the identity. */
export async function openApi(
  { daypass, host }: World,
  { identity, header }: Handed,
  { routesOf, ...where }: Where,
): Promise<ApiProxy> {
  const definition = await daypass.definition(identity)
  const routes = routesOf(definition, header)
  const { provider, params } = definition
  const headers = provider.api.headers?.(params)
  const { startProxy } = await import('../../server/reverse-proxy.ts')
  return startProxy({
    ...where,
    routes,
    host,
    async shown(rejected?: Secret) {
      // The very same identity, whatever the default becomes meanwhile.
      const handed = await daypass.handOut(identity, rejected ? { rejected } : {})
      const now = routesOf(await daypass.definition(identity), handed.header).map(({ base }) => base)
      if (!routes.every(({ base }) => now.includes(base))) throw elsewhere(identity)
      return {
        token: bearerOf(handed.credential),
        key: proofKeyOf(handed.header, handed),
        renewable: handed.header?.renewable ?? false,
      }
    },
    userFor: (given) => provider.helpers.git?.user ?? (given || userOf('git', definition, header)),
    ...(headers && { headers }),
  })
}

/** One prefix for each host that the identity's token may be sent to. */
export async function openProxy(
  world: World,
  handed: Handed,
  where: Omit<Where, 'routesOf'>,
): Promise<ApiProxy & { hosts: Record<string, string> }> {
  const { identity, credential, header, variable } = handed
  if (variable) throw notOurs(variable, world.verb, ['--proxy'])
  const definition = await world.daypass.definition(identity)
  if (credential.kind === 'keys')
    throw keysSign(identity, definition.provider, credential.sessionToken !== undefined)
  const hosts = [...originsOf(definition, header?.endpoints).keys()]
  if (hosts.length === 0) throw noHosts(identity)
  const proxy = await openApi(world, handed, { ...where, routesOf: routesTo })
  return { ...proxy, hosts: Object.fromEntries(hosts.map((host) => [host, `${proxy.url}/${host}`])) }
}

const routesTo: Where['routesOf'] = (definition, header) =>
  [...originsOf(definition, header?.endpoints)].map(([host, base]) => ({ prefix: `/${host}`, base }))

const keysSign = (identity: string, { title, environment }: Provider, isTemporary: boolean) =>
  new DaypassError(
    'usage',
    `${identity} has keys of ${title}, and requests are signed with them by their own tools`,
    {
      hint: (command) =>
        environment.export?.live && isTemporary
          ? `${command({ verb: 'serve', identity })}, or ${command({ verb: 'exec', identity, flags: ['--endpoint', '--', 'CMD'] })}`
          : command({ verb: 'exec', identity, flags: ['--', 'CMD'] }),
    },
  )

const noHosts = (identity: string) =>
  new DaypassError('usage', `no host is known that the token of ${identity} is for`, {
    hint: `write hosts: [api.example.com] into the configuration of ${identity}`,
  })
