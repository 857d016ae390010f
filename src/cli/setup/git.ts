/** git's global configuration, in which we become the helper for the hosts of an identity. */
import { hostsOf } from '../../client/hosts.ts'
import { DaypassError } from '../../core/errors.ts'
import { findProgram } from '../../platform/find-program.ts'
import { gitConfig, gitConfigPath } from '../../tools/git/config-file.ts'
import { gitSetup, takeBackGit } from '../../tools/git/setup.ts'
import { forIdentitiesWithToken } from './token.ts'
import { ourProgram, type SetupTool } from './tool.ts'

export const setupGit: SetupTool = {
  thing: 'Helper for',
  ...forIdentitiesWithToken('git'),
  setup({ host }, { identity, definition, header, flags }) {
    const path = gitConfigPath(host.env)
    const hosts = hostsOf(definition, header?.endpoints, 'git')
    const request = { identity, hosts, force: flags.force, command: ourProgram('git-credential') }
    return gitSetup(request, path, gitConfig(gitProgram(), path))
  },
  startsUs: () => true,
  takeBack: (text, entry) => takeBackGit(text, entry, gitConfig(gitProgram(), entry.file)),
  words: ({ place }) => [
    `Of several identities: the one that the address names (https://NAME@${place.split(', ')[0]}/…), the folder's, the default.`,
  ],
}

function gitProgram(): string {
  const program = findProgram('git', process)
  if (program !== undefined) return program
  throw new DaypassError('not_found', 'there is no git on the PATH', { hint: 'install git, then try again' })
}
