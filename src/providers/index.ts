import type { Provider } from './provider.ts'
import { loadProviders } from './registry.ts'

export { alibaba } from './alibaba/index.ts'
export { autocom } from './autocom.ts'
export { aws } from './aws/index.ts'
export { cloudinary } from './cloudinary/index.ts'
export { defineOwnProvider, type OwnProvider } from './from-config.ts'
export { github } from './github.ts'
export { gitlab } from './gitlab.ts'
export { google } from './google.ts'
export { microsoft } from './microsoft.ts'
export { oidc } from './oidc.ts'
export type { Claims } from './openid-account.ts'
export type { Param } from './param.ts'
export { passport } from './passport.ts'
export { defineProvider, type Provider, type Redirect, type Tenant } from './provider.ts'

/** The built-in providers, by id. */
export const builtIn: Readonly<Record<string, Provider>> = Object.fromEntries(
  loadProviders().map((provider) => [provider.id, provider]),
)
