/** Sets up docker's configuration, so that daypass is the helper for the registries of an identity. */
import { listAllowedHosts } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import { formatImageHost, formatRegistryName } from '../../formats/docker-credential.ts'
import { findProgram } from '../../platform/find-program.ts'
import { createDockerSetup, resolveDockerConfigPath, undoDockerSetup } from '../../tools/docker/setup.ts'
import type { CommandContext } from '../output/result.ts'
import { restrictToTokens } from './token.ts'
import type { SetupTool } from './tool.ts'

export const setupDocker: SetupTool = {
  thing: 'Helper for',
  ...restrictToTokens('docker'),
  setup({ host }, { identity, definition, header, flags }) {
    const registries = listAllowedHosts(definition, header?.endpoints, 'docker')
    if (registries.length === 0)
      throw new DaypassError('usage', `nobody knows the registry of ${identity}`, {
        hint: `write it into config.yaml: auth.identities.${identity}.hosts, with its other hosts`,
      })
    return createDockerSetup(
      { identity, registries: registries.map(formatRegistryName), force: flags.force },
      resolveDockerConfigPath(host.env),
    )
  },
  startsDaypass: () => true,
  undo: undoDockerSetup,
  async afterSetup(world) {
    warnIfHelperMissing(world)
  },
  formatAdvice(_, { definition, header }) {
    const [first = ''] = listAllowedHosts(definition, header?.endpoints, 'docker')
    return [`Try it: docker manifest inspect ${formatImageHost(first)}/OWNER/IMAGE`]
  },
}

const HELPER = 'docker-credential-daypass'

/** Warns where docker cannot find the helper. Not on Windows: docker finds npm's batch file there. */
function warnIfHelperMissing({ host }: CommandContext): void {
  const { platform } = process
  if (platform === 'win32' || findProgram(HELPER, { env: host.env, platform }) !== undefined) return
  host.terminal.warn(
    `docker will look for ${HELPER} on its PATH, and it is not on this one; next: npm i -g daypass`,
  )
}
