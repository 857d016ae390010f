/** Sets up a user of a kubeconfig whose token comes from daypass. */
import { VERSIONS } from '../../formats/exec-credential.ts'
import { resolveKubeconfigPaths } from '../../tools/kubectl/kubeconfig.ts'
import { createKubectlSetup, undoKubectlSetup } from '../../tools/kubectl/setup.ts'
import { restrictToTokens } from './token.ts'
import { buildOwnCommand, type SetupTool } from './tool.ts'

export const setupKubectl: SetupTool = {
  thing: 'User',
  flags: ['as'],
  ...restrictToTokens('kubectl'),
  setup: ({ host }, { identity, flags }) =>
    createKubectlSetup(
      {
        user: flags.as ?? identity,
        identity,
        force: flags.force,
        command: buildOwnCommand('kube-credential', identity),
        apiVersion: VERSIONS[0],
      },
      resolveKubeconfigPaths(host.env),
    ),
  startsDaypass: () => true,
  undo: undoKubectlSetup,
  formatAdvice: ({ place }) => [
    `Use it: kubectl config set-context --current --user=${place}`,
    `Try it: kubectl --user=${place} get --raw /version`,
  ],
}
