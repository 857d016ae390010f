/** `setup aws` done and undone: the config file written, the ledger kept. */
import { parseIni, readProfiles } from './aws-ini.ts'
import { takeBack } from './aws-ini-edit.ts'
import { loginSessionPath } from './aws-login-cache.ts'
import type { AwsPaths } from './aws-paths.ts'
import { type ForeignFile, readForeign } from './foreign-file.ts'
import { changeFile, type LedgerEntry, readLedger, type Undone, undoChanges, withLedger } from './ledger.ts'
import { type AwsPlan, type AwsSetup, planAwsProfile } from './setup-aws.ts'

export interface AwsPlaces {
  paths: Pick<AwsPaths, 'config' | 'credentials'>
  /** The ledger's file, in our state folder. */
  ledger: string
}

/** What {@link setUpAws} would do now. Nothing is written, nothing is locked. */
export function previewAws(request: AwsSetup, places: AwsPlaces): AwsPlan {
  return planFor(request, places, readForeign(places.paths.config))
}

/** Writes the profile. Where it is there already as it should be, nothing is written. */
export function setUpAws(request: AwsSetup, places: AwsPlaces): Promise<AwsPlan> {
  return withLedger(places.ledger, 'setup', async () => {
    const file = readForeign(places.paths.config)
    const plan = planFor(request, places, file)
    const { identity, profile: place } = request
    changeFile(places.ledger, file, { tool: 'aws', identity, place, edits: plan.edits })
    return plan
  })
}

/** Takes away what was written for a profile or an identity, or all of it. Empty: there is nothing to undo. */
export function undoAws(
  ledger: string,
  { profile, identity }: { profile?: string | undefined; identity?: string | undefined } = {},
): Promise<Undone[]> {
  const isMeant = (entry: LedgerEntry) =>
    entry.tool === 'aws' &&
    (profile === undefined || entry.place === profile) &&
    (identity === undefined || entry.identity === identity)
  return withLedger(ledger, 'setup', async () =>
    undoChanges(ledger, isMeant, (text, { place, edits }) => takeBack(text, 'config', place, edits)),
  )
}

/** Profiles of ours whose session lies in that file. */
export function profilesSharing({ paths, ledger }: AwsPlaces & { paths: AwsPaths }, file: string): string[] {
  const { target, text } = readForeign(paths.config)
  const profiles = readProfiles(text, 'config')
  const isHere = (session: string | undefined) =>
    session !== undefined && loginSessionPath(paths.loginCache, session) === file
  const ours = readLedger(ledger).filter((entry) => entry.tool === 'aws' && entry.file === target)
  const names = new Set(ours.map(({ place }) => place))
  return [...names].filter((name) => isHere(profiles.get(name)?.get('login_session')))
}

function planFor(request: AwsSetup, { paths, ledger }: AwsPlaces, file: ForeignFile): AwsPlan {
  const credentials = readForeign(paths.credentials).text
  const ours = oursIn(file, request.profile, readLedger(ledger))
  return planAwsProfile(request, { path: paths.config, config: file.text, credentials, ours })
}

function oursIn(
  { text, target }: ForeignFile,
  profile: string,
  entries: readonly LedgerEntry[],
): Set<string> {
  const written = entries
    .filter((entry) => entry.tool === 'aws' && entry.file === target && entry.place === profile)
    .flatMap(({ edits }) => edits.flatMap(({ after }) => parseIni(`[-]\n${after}`)))
    .flatMap(({ keys }) => keys)
  const now = readProfiles(text, 'config').get(profile)
  return new Set(written.filter(({ name, value }) => now?.get(name) === value).map(({ name }) => name))
}
