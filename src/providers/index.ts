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

export { type OwnProvider, ownProvider } from './from-config.ts'
export {
  type Claims,
  defineProvider,
  type Param,
  type Provider,
  type Redirect,
  type Tenant,
} from './provider.ts'
export { alibaba, autocom, aws, cloudinary, github, gitlab, google, microsoft, oidc, passport }

/** The providers that come with daypass, by id. */
export const builtIn: Readonly<Record<string, Provider>> = {
  aws,
  alibaba,
  cloudinary,
  passport,
  autocom,
  oidc,
  github,
  gitlab,
  google,
  microsoft,
}
