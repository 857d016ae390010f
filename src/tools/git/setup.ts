/** Plans what `setup git` writes: daypass as the only helper for the hosts of an identity. */
import { DaypassError } from '../../core/errors.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import { formatCommandLine } from '../files/command-line.ts'
import { computeEdits, formatDiff, type Mask } from '../files/edits.ts'
import type { LedgerEntry } from '../files/ledger.ts'
import type { Plan, Setup } from '../setup-plan.ts'
import type { GitConfig } from './config-file.ts'

export interface GitSetup {
  identity: string
  hosts: readonly string[]
  /** Replace another helper, which git then no longer asks. */
  force?: boolean | undefined
  /** The command of git: Node, our program, `git-credential`. */
  command: readonly string[]
}

export function createGitSetup(request: GitSetup, path: string, git: GitConfig): Setup {
  const { identity, hosts } = request
  const place = hosts.join(', ')
  return {
    tool: 'git',
    identity,
    place,
    everywhere: true,
    path,
    plan: ({ text }, ours) => planGitEdits(request, { path, text, place }, git, ours),
  }
}

function planGitEdits(
  request: GitSetup,
  { path, text, place }: { path: string; text: string; place: string },
  git: GitConfig,
  ours: readonly LedgerEntry[],
): Plan {
  // git runs it in a shell, also on Windows.
  const line = `!${formatCommandLine(request.command, 'linux')}`
  const isOurs = (value: string) => value === line || isWrittenBy(ours, value)
  let after = text
  for (const name of request.hosts.flatMap(listHelperNames)) {
    const now = git.helpers(after).get(name) ?? []
    if (now.at(-2) === '' && now.at(-1) === line && !git.isFollowed(after, name)) continue
    const theirs = excludeOwn(now, isOurs)
    if (theirs.some((value) => value !== '') && !request.force)
      throw createOtherHelperError(request, path, name)
    const bare = theirs.length < now.length ? git.replaceHelpers(after, name, theirs) : after
    after = addOwnHelper(git, { text: after, bare, name, helpers: [...theirs, '', line] })
  }
  const edits = computeEdits(text, after)
  return { place, path, edits, diff: formatDiff(path, text, edits, createGitMask(line)), warnings: [] }
}

/**
 * Adds an empty helper before ours, so that git no longer asks earlier ones of this file or the system's.
 * Throws for later ones: git tells every helper the answer of the others, and `store` would keep it. `bare`:
 * the text without ours.
 */
function addOwnHelper(
  git: GitConfig,
  { text, bare, name, helpers }: { text: string; bare: string; name: string; helpers: readonly string[] },
): string {
  const after = git.replaceHelpers(text, name, helpers)
  if (!git.isFollowed(after, name)) return after
  const url = name.slice('credential.'.length, -'.helper'.length)
  const end = bare === '' || bare.endsWith('\n') ? '' : '\n'
  return git.replaceHelpers(`${bare}${end}[credential "${url}"]\n`, name, helpers)
}

/** Returns the names for a host; http is used only for this machine. */
function listHelperNames(host: string): string[] {
  const isHere = isLoopbackHost(new URL(`https://${host}`).hostname)
  return [...(isHere ? ['http'] : []), 'https'].map((protocol) => `credential.${protocol}://${host}.helper`)
}

/** Returns the values that are neither ours nor the empty one before it. */
const excludeOwn = (values: readonly string[], isOurs: (value: string) => boolean) =>
  values.filter((value, index) => {
    const next = values[index + 1]
    return !isOurs(value) && !(value === '' && next !== undefined && isOurs(next))
  })

/** Escapes a value as git writes it. */
const escapeGitValue = (value: string) => value.replace(/[\\"]/g, '\\$&')

const isWrittenBy = (entries: readonly Pick<LedgerEntry, 'edits'>[], value: string) =>
  value !== '' &&
  entries.some(({ edits }) =>
    edits.some(({ after }) => after.includes(`helper = ${escapeGitValue(value)}\n`)),
  )

/** Creates an error without the value, which may be a shell line with a password. */
const createOtherHelperError = ({ identity }: GitSetup, path: string, name: string) =>
  new DaypassError('usage', `${name} is another one in ${path} already`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['git'], identity, flags: ['--force'] })} to be asked instead of it`,
  })

/** Masks all values except ours, because any may be a secret. */
const createGitMask =
  (line: string): Mask =>
  (each, isAdded) =>
    isAdded && /^\s*helper = $/.test(each.replace(escapeGitValue(line), ''))
      ? each
      : each.replace(/^(\s*[\w.-]+\s*=\s*).+$/, '$1…')

/** Undoes the setup in a file that has changed since: removes only our helpers. */
export function undoGitSetup(text: string, entry: LedgerEntry, git: GitConfig): string {
  const isOurs = (value: string) => isWrittenBy([entry], value)
  let now = text
  for (const name of entry.place.split(', ').flatMap(listHelperNames)) {
    const values = git.helpers(now).get(name) ?? []
    const theirs = excludeOwn(values, isOurs)
    if (theirs.length < values.length) now = git.replaceHelpers(now, name, theirs)
  }
  return now
}
