/** Plans what `setup alibaba` writes into the configuration of Alibaba Cloud's CLI and SDKs. */
import { DaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { formatCommandLine } from '../files/command-line.ts'
import { applyEdits, type Edit, expandToLines, formatDiff } from '../files/edits.ts'
import {
  appendMembers,
  type Child,
  changeMembers,
  findMember,
  findRoot,
  type Json,
  parseChildren,
  removeChild,
  replaceValue,
} from '../files/json-edit.ts'
import type { LedgerEntry, UndoText } from '../files/ledger.ts'
import type { Plan, Setup } from '../setup-plan.ts'
import { type AliyunProfile, parseAliyunConfig } from './config-file.ts'

export interface AliyunSetup {
  profile: string
  identity: string
  /** Written only where the profile has none. */
  region?: string | undefined
  /** Change a profile that exists already. */
  force?: boolean | undefined
  /** The command of the tool: Node, our program, `credential-process` and the identity. */
  command: readonly string[]
}

/** Where the SDKs store the keys from our program. An earlier profile may have its own keys there. */
const KEYS = ['access_key_id', 'access_key_secret', 'sts_token', 'sts_expiration']

export function createAliyunSetup(
  request: AliyunSetup,
  path: string,
  platform: NodeJS.Platform = process.platform,
): Setup {
  const { identity, profile: place } = request
  return {
    tool: 'alibaba',
    identity,
    place,
    path,
    plan: ({ text }, ours) => planAliyunEdits(request, { path, text, ours }, platform),
  }
}

interface FileState {
  path: string
  text: string
  ours: readonly LedgerEntry[]
}

function planAliyunEdits(request: AliyunSetup, there: FileState, platform: NodeJS.Platform): Plan {
  const { profile, command, region } = request
  const { path, text, ours } = there
  checkAliyunProfileName(profile)
  const line = formatCommandLine(command, platform)
  const before = parseAliyunConfig(text, path)
  const old = before.profiles.find(({ name }) => name === profile)
  const isOurs = old !== undefined && ours.some((entry) => isWrittenBy(entry, old))
  const wanted = { mode: 'External', process_command: line }
  const isDone = Object.entries(wanted).every(([name, value]) => old?.[name] === value)
  if (old && !isDone && !isOurs && !request.force) throw createProfileTakenError(request, path)
  const region_id = old?.region_id || region
  const all = { ...wanted, ...(region_id !== undefined && { region_id }) }
  const edits = isDone
    ? []
    : isOurs
      ? [replaceProgram(there, profile, line)]
      : buildAliyunEdits(text, path, { name: profile, ...all }, before.current === '')
  checkAliyunResult(there, edits, { name: profile, ...all })
  const warnings = listAliyunWarnings(request, line, old, { isDone, isOurs, region_id })
  const diff = formatDiff(path, text, expandToLines(text, edits), (each) => maskAliyunLine(each, line))
  return { place: profile, path, edits, diff, warnings }
}

function checkAliyunProfileName(profile: string): void {
  if (profile !== '' && sanitize(profile) === profile) return
  throw new DaypassError('usage', `"${sanitize(profile)}" cannot be the name of a profile`, {
    advice: { verb: 'setup', args: ['alibaba'], identity: 'IDENTITY', flags: ['--as', '<name>'] },
  })
}

const createProfileTakenError = ({ profile, identity }: AliyunSetup, path: string) =>
  new DaypassError('usage', `there is a profile "${profile}" in ${path} already`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['alibaba'], identity, flags: ['--as', profile, '--force'] })} to write into it, or choose another name`,
  })

type WantedProfile = Json & { name: string }

function buildAliyunEdits(text: string, path: string, wanted: WantedProfile, needsCurrent: boolean): Edit[] {
  const current = needsCurrent ? { current: wanted.name } : {}
  if (text.trim() === '') return [createFileEdit(text, { ...current, profiles: [wanted] })]
  const root = findRoot(text)
  const profiles = findMember(text, root, 'profiles', path)
  const said = findMember(text, root, 'current', path)
  const isMissing = said === undefined ? current : {}
  const first = said && needsCurrent ? [replaceValue(text, said, wanted.name)] : []
  if (!profiles) return sortEdits([...first, appendMembers(text, root, { ...isMissing, profiles: [wanted] })])
  if (Object.keys(isMissing).length > 0) first.push(appendMembers(text, root, isMissing))
  if (text[profiles.start] !== '[') return sortEdits([...first, replaceValue(text, profiles, [wanted])])
  const item = findProfileMember(text, profiles, wanted.name, path)
  // One edit of the whole profile, so that the undo knows its earlier content.
  const none = Object.fromEntries(KEYS.map((key) => [key, undefined]))
  const edits = item
    ? changeMembers(text, path, item, { ...none, ...wanted })
    : [appendMembers(text, profiles, [wanted])]
  return sortEdits([...first, ...edits])
}

/** Replaces only the command in our profile: the ledger must not record values that SDKs added. */
function replaceProgram({ text, path }: FileState, profile: string, line: string): Edit {
  return replaceValue(text, findProgramMember(text, profile, path)!, line)
}

function findProgramMember(text: string, profile: string, path: string): Child | undefined {
  const profiles = findMember(text, findRoot(text), 'profiles', path)
  const item = profiles && findProfileMember(text, profiles, profile, path)
  return item && findMember(text, item, 'process_command', path)
}

const sortEdits = (edits: readonly Edit[]) => [...edits].sort((a, b) => a.at - b.at)

/** Builds an edit in the format of the CLI. */
const createFileEdit = (before: string, config: Json): Edit => ({
  at: 0,
  before,
  after: `${JSON.stringify(config, null, '\t')}\n`,
})

function findProfileMember(text: string, profiles: Child, name: string, path: string): Child | undefined {
  const items = parseChildren(text, profiles)
  const [item, other] = items.filter((each) => parseMemberName(text, each, path) === name)
  if (other === undefined) return item
  throw new DaypassError('configuration', `profile "${name}" stands twice in ${path}`, {
    hint: 'make one of the two, then try again',
  })
}

function parseMemberName(text: string, item: Child, path: string): unknown {
  const name = findMember(text, item, 'name', path)
  return name && JSON.parse(text.slice(name.start, name.end))
}

/** Parses the result again and throws if it differs: hand-written files may contain unexpected syntax. */
function checkAliyunResult({ text, path }: FileState, edits: readonly Edit[], wanted: WantedProfile): void {
  if (edits.length === 0) return
  const [before, after] = [parseAliyunConfig(text, path), parseAliyunConfig(applyEdits(text, edits), path)]
  const others = (profiles: readonly AliyunProfile[]) =>
    JSON.stringify(profiles.filter(({ name }) => name !== wanted.name))
  const profile = after.profiles.find(({ name }) => name === wanted.name)
  const isWritten = Object.entries(wanted).every(([name, value]) => profile?.[name] === value)
  const isCurrent = after.current === (before.current || wanted.name)
  if (isWritten && isCurrent && others(before.profiles) === others(after.profiles)) return
  throw new DaypassError('configuration', `${path} is written in a way that daypass cannot add to safely`, {
    hint: `write it yourself: aliyun configure --mode External --profile ${wanted.name}`,
  })
}

/** Returns what the person should know about the written entry. */
function listAliyunWarnings(
  { profile, command }: AliyunSetup,
  line: string,
  old: AliyunProfile | undefined,
  { isDone, isOurs, region_id }: { isDone: boolean; isOurs: boolean; region_id: unknown },
): string[] {
  const said: string[] = []
  if (line !== command.join(' '))
    said.push(
      'a path in it needs quotes, which aliyun reads from 3.4.9 on: for an older one, and older SDKs, install daypass and Node in folders of plain letters',
    )
  if (region_id === undefined)
    said.push(`profile "${profile}" has no region, and aliyun wants one: aliyun configure set --region …`)
  if (!isDone && !isOurs && KEYS.some((name) => old?.[name]))
    said.push(
      `profile "${profile}" had keys of its own; they stand in what setup remembers until it is undone`,
    )
  return said
}

const SECRET =
  /("[\w.-]*(?:secret|token|password|private|process_command)[\w.-]*"\s*:\s*)("[^"\\]*(?:\\.[^"\\]*)*")/gi

/** Masks all values of a credentials file except ours. */
const maskAliyunLine = (line: string, ours: string) =>
  line.replace(SECRET, (whole, name: string, value: string) =>
    value === JSON.stringify(ours) ? whole : `${name}"…"`,
  )

/** Returns whether the profile runs a command that we wrote. */
const isWrittenBy = ({ edits }: Pick<LedgerEntry, 'edits'>, profile: AliyunProfile) =>
  profile.mode === 'External' &&
  typeof profile.process_command === 'string' &&
  edits.some(({ after }) => after.includes(JSON.stringify(profile.process_command)))

/**
 * Undoes the setup in a file that has changed since: removes our profile with the keys that SDKs added, or
 * restores the earlier profile. Keeps a profile that runs another command now.
 */
export const undoAliyunSetup: UndoText = (text, entry, note) => {
  const { file: path, place, edits } = entry
  const { profiles, current } = parseAliyunConfig(text, path)
  const profile = profiles.find(({ name }) => name === place)
  if (!profile || !isWrittenBy(entry, profile)) return text
  const list = findMember(text, findRoot(text), 'profiles', path)!
  const item = findProfileMember(text, list, place, path)!
  const program = edits.find(
    ({ before, after }) => before.startsWith('"') && isJsonText(after, profile.process_command),
  )
  if (program) {
    const { start, end } = findProgramMember(text, place, path)!
    return text.slice(0, start) + program.before + text.slice(end)
  }
  const was = edits.find(({ before }) => before.startsWith('{'))
  if (was) return restoreProfile(text, path, item, was)
  const left = profiles.filter(({ name }) => name !== place)
  if (left.length === 0 && entry.created) return ''
  const now = applyEdits(text, [removeChild(text, list, item)])
  if (current !== place) return now
  // If the current profile is missing, the CLI refuses every command.
  const next = left[0]?.name ?? ''
  note(
    `the current profile of aliyun is ${JSON.stringify(next)} now: another one with aliyun configure switch`,
  )
  return applyEdits(now, [replaceValue(now, findMember(now, findRoot(now), 'current', path)!, next)])
}

const isJsonText = (json: string, value: unknown) => json === JSON.stringify(value)

/** Restores what we changed, unless it was changed again since. */
function restoreProfile(text: string, path: string, profile: Child, { before, after }: Edit): string {
  const [earlier, written] = [JSON.parse(before) as Json, JSON.parse(after) as Json]
  const now = JSON.parse(text.slice(profile.start, profile.end)) as Json
  const isOurs = (name: string) =>
    KEYS.includes(name) || JSON.stringify(now[name]) === JSON.stringify(written[name])
  const names = [...new Set([...Object.keys(written), ...Object.keys(earlier), ...KEYS])].filter(isOurs)
  const back = Object.fromEntries(names.map((name) => [name, earlier[name]]))
  return applyEdits(text, changeMembers(text, path, profile, back))
}
