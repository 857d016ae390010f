/**
 * Answers a `token` or `credential-process` that needs only reading, with `fs`, `path`, `crypto` and the
 * keychain's native part. Everything else, errors included, is left to `main`.
 */
import { buildCompiledProvider, isWarm } from '../client/warm.ts'
import { readCompiled, resolveCompiledPath } from '../config/compiled.ts'
import { findFolderFile, parseFolderLine } from '../config/folder-file.ts'
import { parseDuration } from '../core/duration.ts'
import { isIdentityName } from '../core/names.ts'
import { chooseStore } from '../core/stores.ts'
import type { Host, Time, UsableGrant } from '../core/types.ts'
import { formatCredentialProcess } from '../formats/credential-process.ts'
import { formatToken, isKeyBound } from '../formats/token.ts'
import { selectIdentity } from '../identity/select.ts'
import { omitMemoryFromDumps } from '../platform/core-dump.ts'
import { resolvePaths } from '../platform/paths.ts'
import { loadProvider } from '../providers/registry.ts'
import { assertPrivateFolder } from '../trust/file-trust.ts'
import { encodeGrantFileName } from '../vault/file-name.ts'
import { decodeHeader } from '../vault/header.ts'
import { openKey } from '../vault/keys.ts'
import { readOwnFile } from '../vault/read-file.ts'
import { openUse } from '../vault/seal.ts'
import { readState } from '../vault/state.ts'
import { chooseTokenForm, parseTokenWords } from './token-flags.ts'

export interface WarmEnvironment {
  env: Host['env']
  /** Throws where the folder was removed. */
  cwd(): string
  now(): Time
  /** Called when file permissions were repaired. */
  report(message: string): void
}

export interface WarmAnswer {
  verb: string
  identity: string
  text: string
}

/** Returns undefined or throws where more than reading is needed. */
export async function readWarmAnswer(
  argv: readonly string[],
  { env, cwd, now, report }: WarmEnvironment,
): Promise<WarmAnswer | undefined> {
  const words = parseTokenWords(argv)
  if (!words) return undefined
  const where = resolvePaths(env, process.platform)
  const compiled = readCompiled(where.config, resolveCompiledPath(where.dataDir))
  if (!compiled || chooseStore(env.DAYPASS_STORE, compiled.keyring) === 'memory') return undefined
  const resolved = await selectIdentity({
    selected: words.identity,
    env,
    folder: () => readSimpleFolder(cwd()),
    storedDefault: () => readState(where.state, report).default,
    configuredDefault: compiled.default,
    environment: () => [],
    known: async () => [],
  })
  if ('environment' in resolved || !isIdentityName(resolved.identity)) return undefined
  const { identity: name, named } = resolved
  assertPrivateFolder(where.vault, report)
  const record = readOwnFile(`${where.vault}/${encodeGrantFileName(name)}`, report)
  if (record === undefined) return undefined
  const header = decodeHeader(record, name)
  const own = compiled.providers[header.provider]
  const facts = {
    header,
    provider: own ? buildCompiledProvider(header.provider, own) : loadProvider(header.provider),
    identity: compiled.identities[name],
    own,
    env,
    now: now(),
  }
  const minTtl = words.minTtl === undefined ? undefined : parseDuration(words.minTtl)
  if (!isWarm(facts, { named, minTtl })) return undefined
  omitMemoryFromDumps()
  const key = await openKey(where.vault, header.key!, { report })
  const { credential } = openUse(record, name, key) as UsableGrant
  // DPoP-bound tokens need a warning, which `main` prints.
  if (credential.kind === 'bearer' && isKeyBound(credential)) return undefined
  const text =
    words.verb === 'token'
      ? formatToken(name, credential, chooseTokenForm(words), header.clockOffset)
      : formatCredentialProcess(name, credential, words.format, header.clockOffset)
  return { verb: words.verb, identity: name, text }
}

/** Throws where there is a warning to print, or YAML to parse. */
function readSimpleFolder(cwd: string) {
  const { found, warnings } = findFolderFile(cwd, process.getuid?.())
  const identity = found && parseFolderLine(found.text)
  if (warnings.length > 0 || (found && identity === undefined)) throw new Error('not simple')
  return identity === undefined ? undefined : { identity, file: found!.file }
}
