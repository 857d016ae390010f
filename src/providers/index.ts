import { aws } from './aws.ts'
import { cloudinary } from './cloudinary.ts'
import type { Provider } from './define.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { microsoft } from './microsoft.ts'
import { oidc } from './oidc.ts'

export { type Claims, defineProvider, type Param, type Provider, type Redirect } from './define.ts'
export { type OwnProvider, ownProvider } from './own.ts'
export { aws, cloudinary, github, gitlab, google, microsoft, oidc }

/** The providers that come with daypass, by id. */
export const builtIn: Readonly<Record<string, Provider>> = {
  aws,
  cloudinary,
  oidc,
  github,
  gitlab,
  google,
  microsoft,
}
