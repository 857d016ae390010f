import { type Cloud, credentialLine } from '../../outputs/credential-process.ts'
import type { Answer, World } from '../answer.ts'
import { record } from '../record.ts'

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
