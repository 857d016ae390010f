/** A user of a kubeconfig, whose token comes from us. */
import { VERSIONS } from '../../formats/exec-credential.ts'
import { kubeconfigPaths } from '../../tools/kubectl/kubeconfig.ts'
import { kubectlSetup, takeBackKubectl } from '../../tools/kubectl/setup.ts'
import { forIdentitiesWithToken } from './token.ts'
import { ourProgram, type SetupTool } from './tool.ts'

export const setupKubectl: SetupTool = {
  thing: 'User',
  flags: ['as'],
  ...forIdentitiesWithToken('kubectl'),
  setup: ({ host }, { identity, flags }) =>
    kubectlSetup(
      {
        user: flags.as ?? identity,
        identity,
        force: flags.force,
        command: ourProgram('kube-credential', identity),
        apiVersion: VERSIONS[0],
      },
      kubeconfigPaths(host.env),
    ),
  startsUs: () => true,
  takeBack: takeBackKubectl,
  words: ({ place }) => [
    `Use it: kubectl config set-context --current --user=${place}`,
    `Try it: kubectl --user=${place} get --raw /version`,
  ],
}
