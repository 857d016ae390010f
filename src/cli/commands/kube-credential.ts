import { execCredential, execVersion } from '../../formats/exec-credential.ts'
import { record } from '../audit-line.ts'
import { createVerb, selected } from '../flags.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createKubeCredentialCommand = ({ run }: Runner) =>
  createVerb('kube-credential')
    .description('answer kubectl, which starts a program for its token')
    .argument('[identity]', 'which')
    .addHelpText('after', HELP)
    .action((identity, flags) => {
      const who = selected(identity, flags)
      return run({ ...flags, input: false }, 'kube-credential', (world) => kubeCredential(world, who))
    })

const HELP = `
kubectl calls it: see \`daypass setup kubectl\`. The token is the id_token, where there is one and config.yaml
does not say kube_token: access_token.`

/** Started by kubectl, which may have the terminal: nobody is asked anything here. */
async function kubeCredential(world: World, selected: string | undefined): Promise<Answer> {
  const version = execVersion(world.host.env.KUBERNETES_EXEC_INFO)
  const token = await world.daypass.clusterToken(selected)
  await record(world, token.identity)
  return { out: execCredential(version, token) }
}
