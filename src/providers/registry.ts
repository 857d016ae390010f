/** The one list of providers. Only `index.ts` repeats it, for the types of the library's exports. */
import { alibaba } from './alibaba/index.ts'
import { autocom } from './autocom.ts'
import { aws } from './aws/index.ts'
import { cloudinary } from './cloudinary/index.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { microsoft } from './microsoft.ts'
import { oidc } from './oidc.ts'
import { passport } from './passport.ts'
import type { Provider } from './provider.ts'

interface Registered {
  /**
   * Loads the provider. In the bundle of the fast path, each import above is executed by this call, so one
   * provider does not load the files of the others.
   */
  load: () => Provider
  /** Default: `<id>/user` only. */
  kinds?: readonly string[]
  /** The kinds whose credential is made from another identity's credential. */
  derived?: readonly string[]
}

/** By id, in the order in which they are offered. */
const REGISTRY: Readonly<Record<string, Registered>> = {
  aws: { load: () => aws, kinds: ['aws/user', 'aws/root', 'aws/assume-role'], derived: ['aws/assume-role'] },
  alibaba: {
    load: () => alibaba,
    kinds: ['alibaba/user', 'alibaba/ram-role'],
    derived: ['alibaba/ram-role'],
  },
  cloudinary: { load: () => cloudinary, kinds: ['cloudinary/account'] },
  passport: { load: () => passport },
  autocom: { load: () => autocom },
  oidc: { load: () => oidc },
  github: { load: () => github },
  gitlab: { load: () => gitlab },
  google: { load: () => google },
  microsoft: { load: () => microsoft },
}

const findRegistered = (id: string): Registered | undefined =>
  Object.hasOwn(REGISTRY, id) ? REGISTRY[id] : undefined

/** Ids that a configured provider may not use. */
export const BUILT_IN_PROVIDERS: readonly string[] = Object.keys(REGISTRY)

/** Returns undefined where no built-in provider has this id. */
export const loadProvider = (id: string): Provider | undefined => findRegistered(id)?.load()

export const loadProviders = (): Provider[] => Object.values(REGISTRY).map(({ load }) => load())

/** Returns the kinds of any provider, including configured ones. */
export const listKinds = (provider: string): readonly string[] =>
  findRegistered(provider)?.kinds ?? [`${provider}/user`]

/** Returns whether a credential of this kind is made from another identity's credential. */
export const isDerived = (kind: string): boolean =>
  findRegistered(parseProviderId(kind))?.derived?.includes(kind) ?? false

export const parseProviderId = (kind: string): string => kind.split('/', 1)[0]!
