import { appendAudit } from '../audit/append.ts'
import { rotateAudit } from '../audit/rotate.ts'
import type { CommandContext } from './output/result.ts'

/** Told before it is handed out. `audience`: a host; of a program that is run, its name is known. */
export async function writeAuditLine(
  { host, paths, verb, program }: CommandContext,
  identity: string,
  audience = program,
): Promise<void> {
  if (appendAudit(paths.audit, { verb, identity, audience }, host.env)) await rotateAudit(paths.audit)
}
