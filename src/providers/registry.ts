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
   * In the build of the quick way each import above is read when `load` is called, so whatever needs one provider does
   * not read the files of the others.
   */
  load: () => Provider
  /** Default: `<id>/user` alone. */
  kinds?: readonly string[]
  /** Of those, the ones whose credential is made from another identity's. */
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

/** Ids that a provider of the configuration may not take. */
export const BUILT_IN_PROVIDERS: readonly string[] = Object.keys(REGISTRY)

/** Returns undefined where no built-in provider has this id. */
export const loadProvider = (id: string): Provider | undefined => findRegistered(id)?.load()

export const loadProviders = (): Provider[] => Object.values(REGISTRY).map(({ load }) => load())

/** Of any provider, those of the configuration included. */
export const listKinds = (provider: string): readonly string[] =>
  findRegistered(provider)?.kinds ?? [`${provider}/user`]

/** A credential of this kind is made from another identity's. */
export const isDerived = (kind: string): boolean =>
  findRegistered(parseProviderId(kind))?.derived?.includes(kind) ?? false

export const parseProviderId = (kind: string): string => kind.split('/', 1)[0]!
