/** Providers one at a time: who needs one does not read the files of the others. */

import { oidc } from './oidc.ts'
import type { Provider } from './provider.ts'

const read: Readonly<Record<string, () => Promise<Provider>>> = {
  // Everybody's: what is configured is made of it.
  oidc: async () => oidc,
  aws: async () => (await import('./aws/index.ts')).aws,
  alibaba: async () => (await import('./alibaba/index.ts')).alibaba,
  cloudinary: async () => (await import('./cloudinary/index.ts')).cloudinary,
  passport: async () => (await import('./passport.ts')).passport,
  autocom: async () => (await import('./autocom.ts')).autocom,
  github: async () => (await import('./github.ts')).github,
  gitlab: async () => (await import('./gitlab.ts')).gitlab,
  google: async () => (await import('./google.ts')).google,
  microsoft: async () => (await import('./microsoft.ts')).microsoft,
}

/** One that comes with daypass; `undefined`: there is none of that id. */
export async function oneBuiltIn(id: string): Promise<Provider | undefined> {
  return Object.hasOwn(read, id) ? read[id]!() : undefined
}
