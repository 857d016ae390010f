import { Option } from '@commander-js/extra-typings'
import { type Cloud, credentialLine } from '../../formats/credential-process.ts'
import { record } from '../audit-line.ts'
import { createVerb, selected } from '../flags.ts'
import type { Answer, World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { CREDENTIAL_PROCESS } from '../token-flags.ts'

const { format: FORMAT } = CREDENTIAL_PROCESS

export const createCredentialProcessCommand = ({ run }: Runner) =>
  createVerb('credential-process')
    .description('answer the tools of a cloud that start a program for their keys')
    .argument('[identity]', 'which')
    .addOption(new Option(FORMAT.flags, FORMAT.about).choices(FORMAT.choices))
    .action((identity, given) => {
      const flags = { ...given, input: false }
      return run(flags, 'credential-process', (world) =>
        credentialProcess(world, selected(identity, flags), flags),
      )
    })

interface CredentialProcessOptions {
  format?: Cloud | undefined
}

/** Started by another program, which has the terminal: nobody is asked anything here. */
async function credentialProcess(
  world: World,
  selected: string | undefined,
  { format }: CredentialProcessOptions,
): Promise<Answer> {
  const { identity, credential, header } = await world.daypass.handOut(selected)
  const out = credentialLine(identity, credential, format, header?.clockOffset)
  await record(world, identity)
  return { out }
}
