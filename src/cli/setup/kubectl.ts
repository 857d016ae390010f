/** Sets up a user of a kubeconfig whose token comes from daypass. */
import { join } from 'node:path'
import { VERSIONS } from '../../formats/exec-credential.ts'
import { addClusters, forgetClusters, listUserServers } from '../../tools/kubectl/clusters.ts'
import { resolveKubeconfigPaths } from '../../tools/kubectl/kubeconfig.ts'
import { createKubectlSetup, undoKubectlSetup } from '../../tools/kubectl/setup.ts'
import type { CommandContext } from '../output/result.ts'
import { restrictToTokens } from './token.ts'
import { buildOwnCommand, type SetupTool } from './tool.ts'

/** Where it is noted which clusters were meant. */
export const resolveClustersPath = ({ stateDir }: CommandContext['paths']) =>
  join(stateDir, 'kube-clusters.json')

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
  afterUndo: ({ paths }, identity) => forgetClusters(resolveClustersPath(paths), identity),
  async afterSetup({ host, paths }, { identity, flags }) {
    const { path, others } = resolveKubeconfigPaths(host.env)
    const servers = listUserServers([path, ...others], flags.as ?? identity)
    if (servers.length > 0) await addClusters(resolveClustersPath(paths), identity, servers)
  },
  formatAdvice: ({ place }) => [
    `Use it: kubectl config set-context --current --user=${place}`,
    `Try it: kubectl --user=${place} get --raw /version`,
  ],
}
