import { Option } from '@commander-js/extra-typings'
import { type Cloud, formatCredentialProcess } from '../../formats/credential-process.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { CREDENTIAL_PROCESS } from '../token-flags.ts'

const { format: FORMAT } = CREDENTIAL_PROCESS

export const createCredentialProcessCommand = ({ run }: Runner) =>
  createVerbCommand('credential-process')
    .description('answer the tools of a cloud that start a program for their keys')
    .argument('[identity]', 'which')
    .addOption(new Option(FORMAT.flags, FORMAT.about).choices(FORMAT.choices))
    .action((identity, given) => {
      const flags = { ...given, input: false }
      return run(flags, 'credential-process', (world) =>
        runCredentialProcess(world, resolveSelected(identity, flags), flags),
      )
    })

interface CredentialProcessOptions {
  format?: Cloud | undefined
}

/** Answers another program, which owns the terminal, so it asks the person nothing. */
async function runCredentialProcess(
  world: CommandContext,
  selected: string | undefined,
  { format }: CredentialProcessOptions,
): Promise<CommandResult> {
  const { identity, credential, header } = await world.daypass.getCredential(selected)
  const out = formatCredentialProcess(identity, credential, format, header?.clockOffset)
  await writeAuditLine(world, identity)
  return { out }
}
