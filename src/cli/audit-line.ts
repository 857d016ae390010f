import { append } from '../audit/append.ts'
import { rotate } from '../audit/rotate.ts'
import type { World } from './output/result.ts'

/** Told before it is handed out. `audience`: a host; of a program that is run, its name is known. */
export async function record(
  { host, paths, verb, program }: World,
  identity: string,
  audience = program,
): Promise<void> {
  if (append(paths.audit, { verb, identity, audience }, host.env)) await rotate(paths.audit)
}
