import { execCredential, execVersion } from '../../outputs/exec-credential.ts'
import type { Answer, World } from '../answer.ts'

/** Started by kubectl, which may have the terminal: nobody is asked anything here. */
export async function kubeCredential(
  { daypass, host }: World,
  selected: string | undefined,
): Promise<Answer> {
  const version = execVersion(host.env.KUBERNETES_EXEC_INFO)
  return { out: execCredential(version, await daypass.clusterToken(selected)) }
}
