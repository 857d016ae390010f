import { DaypassError, isDaypassError } from '../../core/errors.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import { sanitize } from '../../core/text.ts'
import { chooseApiVersion, formatExecCredential, parseClusterUrl } from '../../formats/exec-credential.ts'
import { formatCluster, noteCluster } from '../../tools/kubectl/clusters.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { resolveClustersPath } from '../setup/kubectl.ts'

export const createKubeCredentialCommand = ({ run }: Runner) =>
  createVerbCommand('kube-credential')
    .description('answer kubectl, which starts a program for its token')
    .argument('[identity]', 'which')
    .addHelpText('after', HELP)
    .action((identity, flags) => {
      const who = resolveSelected(identity, flags)
      return run({ ...flags, input: false }, 'kube-credential', (world) => runKubeCredential(world, who))
    })

const HELP = `
kubectl calls it: see \`daypass setup kubectl\`. The token is the id_token, where there is one and config.yaml
does not say kube_token: access_token.`

/** Answers kubectl, which may own the terminal, so it asks the person nothing. */
async function runKubeCredential(
  world: CommandContext,
  selected: string | undefined,
): Promise<CommandResult> {
  const info = world.host.env.KUBERNETES_EXEC_INFO
  const version = chooseApiVersion(info)
  const cluster = parseClusterUrl(info)
  if (cluster) assertSecure(cluster)
  const token = await world.daypass.getClusterToken(selected)
  if (cluster) await warnOfOtherCluster(world, token.identity, cluster)
  await writeAuditLine(world, token.identity)
  return { out: formatExecCredential(version, token) }
}

function assertSecure({ protocol, hostname, host }: URL): void {
  if (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))) return
  throw new DaypassError(
    'refused',
    `the cluster is reached without TLS, at ${sanitize(host)}, and would show the token to all`,
    {
      hint: `write https://${sanitize(host)} into the kubeconfig: kubectl config set-cluster NAME --server=https://${sanitize(host)}`,
    },
  )
}

/** Once for each: a kubeconfig of a stranger may name a cluster of theirs, and our user. */
async function warnOfOtherCluster(
  { host, paths }: CommandContext,
  identity: string,
  url: URL,
): Promise<void> {
  const cluster = formatCluster(url)
  const isOther = await noteCluster(resolveClustersPath(paths), identity, cluster).catch((error: unknown) => {
    // What cannot be noted is said again.
    if (isDaypassError(error)) return true
    throw error
  })
  if (isOther)
    host.terminal.warn(`the token of ${identity} goes to another cluster than before: ${sanitize(cluster)}`)
}
