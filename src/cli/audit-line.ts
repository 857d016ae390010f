import { appendAudit } from '../audit/append.ts'
import { rotateAudit } from '../audit/rotate.ts'
import type { CommandContext } from './output/result.ts'

/** Writes the audit line before the credential is handed out. `audience`: a host or a program. */
export async function writeAuditLine(
  { host, paths, verb, program }: CommandContext,
  identity: string,
  audience = program,
): Promise<void> {
  if (appendAudit(paths.audit, { verb, identity, audience }, host.env)) await rotateAudit(paths.audit)
}
