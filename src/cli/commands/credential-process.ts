import { type Cloud, credentialLine } from '../../formats/credential-process.ts'
import { record } from '../audit-line.ts'
import type { Answer, World } from '../output/result.ts'

export interface CredentialProcessOptions {
  format?: Cloud | undefined
}

/** Started by another program, which has the terminal: nobody is asked anything here. */
export async function credentialProcess(
  world: World,
  selected: string | undefined,
  { format }: CredentialProcessOptions,
): Promise<Answer> {
  const { identity, credential, header } = await world.daypass.handOut(selected)
  const out = credentialLine(identity, credential, format, header?.clockOffset)
  await record(world, identity)
  return { out }
}
