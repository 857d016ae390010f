/** Applies `setup aws` to the files of this machine. */

import { readForeignFile } from '../files/foreign-file.ts'
import { type LedgerEntry, readLedger, type UndoText } from '../files/ledger.ts'
import type { Setup } from '../setup-plan.ts'
import { parseIni, parseProfiles } from './ini.ts'
import { undoIniEdits } from './ini-edit.ts'
import { resolveLoginSessionPath } from './login-cache.ts'
import type { AwsPaths } from './paths.ts'
import { type AwsSetup, planAwsProfile } from './setup.ts'

export function createAwsSetup(request: AwsSetup, paths: Pick<AwsPaths, 'config' | 'credentials'>): Setup {
  const { identity, profile: place } = request
  return {
    tool: 'aws',
    identity,
    place,
    path: paths.config,
    plan({ text: config }, entries) {
      const credentials = readForeignFile(paths.credentials).text
      const ours = listOwnKeys(config, place, entries)
      return planAwsProfile(request, { path: paths.config, config, credentials, ours })
    },
  }
}

export const undoAwsSetup: UndoText = (text, { place, edits }) => undoIniEdits(text, 'config', place, edits)

/** Lists our profiles whose session is in that file. */
export function listSharingProfiles(paths: AwsPaths, ledger: string, file: string): string[] {
  const { target, text } = readForeignFile(paths.config)
  const profiles = parseProfiles(text, 'config')
  const isHere = (session: string | undefined) =>
    session !== undefined && resolveLoginSessionPath(paths.loginCache, session) === file
  const ours = readLedger(ledger).filter((entry) => entry.tool === 'aws' && entry.file === target)
  const names = new Set(ours.map(({ place }) => place))
  return [...names].filter((name) => isHere(profiles.get(name)?.get('login_session')))
}

/** Lists the keys that still have the values that we wrote. */
function listOwnKeys(config: string, profile: string, entries: readonly LedgerEntry[]): Set<string> {
  const written = entries
    .flatMap(({ edits }) => edits.flatMap(({ after }) => parseIni(`[-]\n${after}`)))
    .flatMap(({ keys }) => keys)
  const now = parseProfiles(config, 'config').get(profile)
  return new Set(written.filter(({ name, value }) => now?.get(name) === value).map(({ name }) => name))
}
