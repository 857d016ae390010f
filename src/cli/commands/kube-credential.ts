import { chooseApiVersion, formatExecCredential } from '../../formats/exec-credential.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'

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
  const version = chooseApiVersion(world.host.env.KUBERNETES_EXEC_INFO)
  const token = await world.daypass.getClusterToken(selected)
  await writeAuditLine(world, token.identity)
  return { out: formatExecCredential(version, token) }
}
