import { execCredential, execVersion } from '../../formats/exec-credential.ts'
import { record } from '../audit-line.ts'
import type { Answer, World } from '../output/result.ts'

/** Started by kubectl, which may have the terminal: nobody is asked anything here. */
export async function kubeCredential(world: World, selected: string | undefined): Promise<Answer> {
  const version = execVersion(world.host.env.KUBERNETES_EXEC_INFO)
  const token = await world.daypass.clusterToken(selected)
  await record(world, token.identity)
  return { out: execCredential(version, token) }
}
