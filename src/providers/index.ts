import { alibaba } from './alibaba.ts'
import { autocom } from './autocom.ts'
import { aws } from './aws.ts'
import { cloudinary } from './cloudinary.ts'
import type { Provider } from './define.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { microsoft } from './microsoft.ts'
import { oidc } from './oidc.ts'
import { passport } from './passport.ts'

export {
  type Claims,
  defineProvider,
  type Param,
  type Provider,
  type Redirect,
  type Tenant,
} from './define.ts'
export { type OwnProvider, ownProvider } from './own.ts'
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
