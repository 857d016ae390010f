/** Sets up git's global configuration, so that daypass is the helper for the hosts of an identity. */
import { listAllowedHosts } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import { findProgram } from '../../platform/find-program.ts'
import { openGitConfig, resolveGitConfigPath } from '../../tools/git/config-file.ts'
import { createGitSetup, undoGitSetup } from '../../tools/git/setup.ts'
import { restrictToTokens } from './token.ts'
import { buildOwnCommand, type SetupTool } from './tool.ts'

export const setupGit: SetupTool = {
  thing: 'Helper for',
  ...restrictToTokens('git'),
  setup({ host }, { identity, definition, header, flags }) {
    const path = resolveGitConfigPath(host.env)
    const hosts = listAllowedHosts(definition, header?.endpoints, 'git')
    const request = { identity, hosts, force: flags.force, command: buildOwnCommand('git-credential') }
    return createGitSetup(request, path, openGitConfig(getGitProgram(), path))
  },
  startsDaypass: () => true,
  undo: (text, entry) => undoGitSetup(text, entry, openGitConfig(getGitProgram(), entry.file)),
  formatAdvice: ({ place }) => [
    `Of several identities: the one that the address names (https://NAME@${place.split(', ')[0]}/…), the folder's, the default.`,
  ],
}

function getGitProgram(): string {
  const program = findProgram('git', process)
  if (program !== undefined) return program
  throw new DaypassError('not_found', 'there is no git on the PATH', { hint: 'install git, then try again' })
}
