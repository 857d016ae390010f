import type { Method } from '../core/types.ts'
import { issuer, oidc } from './oidc.ts'
import { defineProvider, type Provider, type Redirect } from './provider.ts'

/** A provider of `config.yaml`. Settings that it omits are those of `oidc`. */
export interface OwnProvider {
  title?: string | undefined
  issuer?: string | undefined
  scopes?: readonly string[] | undefined
  redirect?:
    | {
        host?: Redirect['host'] | undefined
        ports?: readonly number[] | undefined
        path?: string | undefined
      }
    | undefined
  methods?: readonly Method[] | undefined
  env?: string | undefined
}

/**
 * Creates the provider. Its endpoints, client and hosts are read from the configuration when they are used.
 */
export function defineOwnProvider(id: string, own: OwnProvider): Provider {
  const { host, ports, path } = own.redirect ?? {}
  const usual = oidc.authorization.redirect
  return defineProvider({
    ...oidc,
    id,
    title: own.title ?? id,
    kind: `${id}/user`,
    params: { issuer: { ...issuer, ...(own.issuer !== undefined && { default: own.issuer }) } },
    client: {
      register: [
        'register a public (native) client with the redirect http://127.0.0.1/callback, PKCE and no secret',
        `then write it into config.yaml: auth.providers.${id}.client_id`,
      ],
    },
    authorization: {
      ...oidc.authorization,
      redirect: {
        host: host ?? usual.host,
        ports: ports ?? usual.ports,
        path: path ?? usual.path,
      },
      ...(own.scopes && { scopes: own.scopes }),
    },
    ...(own.methods && { methods: own.methods }),
    environment: { token: own.env === undefined ? [] : [own.env] },
  })
}
