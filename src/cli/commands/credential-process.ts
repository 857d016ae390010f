import { type Cloud, credentialLine } from '../../outputs/credential-process.ts'
import type { Answer, World } from '../answer.ts'

export interface CredentialProcessOptions {
  format?: Cloud | undefined
}

/** Started by another program, which has the terminal: nobody is asked anything here. */
export async function credentialProcess(
  { daypass }: World,
  selected: string | undefined,
  { format }: CredentialProcessOptions,
): Promise<Answer> {
  const { identity, credential, header } = await daypass.handOut(selected)
  return { out: credentialLine(identity, credential, format, header?.clockOffset) }
}
