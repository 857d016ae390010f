/** docker's configuration, in which we become the helper for the registries of an identity. */
import { hostsOf } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import { nameAtDocker, nameInImages } from '../../formats/docker-credential.ts'
import { findProgram } from '../../platform/find-program.ts'
import { dockerConfigPath, dockerSetup, takeBackDocker } from '../../tools/docker/setup.ts'
import type { World } from '../output/result.ts'
import { forIdentitiesWithToken } from './token.ts'
import type { SetupTool } from './tool.ts'

export const setupDocker: SetupTool = {
  thing: 'Helper for',
  ...forIdentitiesWithToken('docker'),
  setup({ host }, { identity, definition, header, flags }) {
    const registries = hostsOf(definition, header?.endpoints, 'docker')
    if (registries.length === 0)
      throw new DaypassError('usage', `nobody knows the registry of ${identity}`, {
        hint: `write it into config.yaml: auth.identities.${identity}.hosts, with its other hosts`,
      })
    return dockerSetup(
      { identity, registries: registries.map(nameAtDocker), force: flags.force },
      dockerConfigPath(host.env),
    )
  },
  startsUs: () => true,
  takeBack: takeBackDocker,
  async done(world) {
    warnUnlessFound(world)
  },
  words(_, { definition, header }) {
    const [first = ''] = hostsOf(definition, header?.endpoints, 'docker')
    return [`Try it: docker manifest inspect ${nameInImages(first)}/OWNER/IMAGE`]
  },
}

const HELPER = 'docker-credential-daypass'

/** docker starts it by its name. On Windows npm's is a batch file, which docker finds and we do not look for. */
function warnUnlessFound({ host }: World): void {
  const { platform } = process
  if (platform === 'win32' || findProgram(HELPER, { env: host.env, platform }) !== undefined) return
  host.terminal.warn(
    `docker will look for ${HELPER} on its PATH, and it is not on this one; next: npm i -g daypass`,
  )
}
