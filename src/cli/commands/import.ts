import { DaypassError, formatCommand, isDaypassError } from '../../core/errors.ts'
import { isIdentityName } from '../../core/names.ts'
import { sanitize, stripUnsafeCharacters } from '../../core/text.ts'
import { aliyunImportSource } from '../../tools/alibaba/import-aliyun.ts'
import { iacCodeImportSource } from '../../tools/alibaba/import-iac-code.ts'
import { awsImportSource } from '../../tools/aws/import.ts'
import { cldImportSource } from '../../tools/cloudinary/import.ts'
import type { ImportCandidate, ImportedGrant, ImportSource, RotatingSession } from '../../tools/importer.ts'
import { createVerbCommand } from '../flags.ts'
import { type CommandContext, type CommandResult, formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { getTool } from '../setup/tool-name.ts'

export const createImportCommand = ({ run }: Runner) =>
  createVerbCommand('import')
    .description('copy what another tool keeps; its files stay as they are')
    .argument('<tool>', 'aws, aliyun, iac-code or cld')
    .option('--take-over', 'sessions that rotate, too: the other tool has to log in again')
    .option('--dry-run', 'only say what would be copied')
    .action((tool, flags) => run(flags, 'import', (world) => runImport(world, tool, flags)))

const SOURCES: Readonly<Record<string, ImportSource>> = {
  aws: awsImportSource,
  aliyun: aliyunImportSource,
  'iac-code': iacCodeImportSource,
  cld: cldImportSource,
}

interface ImportFlags {
  takeOver?: boolean | undefined
  dryRun?: boolean | undefined
}

/** The result for one credential that was found. */
interface ImportOutcome {
  /** The other tool's name for it. */
  profile: string
  what: string
  outcome: 'kept' | 'would_be_kept' | 'name_taken' | 'listed'
  /** What the person should do about it. */
  next?: string | undefined
}

/** Copies credentials that do not rotate. Never changes the other tool's files. */
async function runImport(world: CommandContext, tool: string, flags: ImportFlags): Promise<CommandResult> {
  const source = getTool(SOURCES, tool, 'import')
  const { env, terminal } = world.host
  const offers = source.listCandidates(env)
  if (offers.length === 0)
    throw new DaypassError('not_found', `there is nothing in ${source.files(env).join(' and ')}`, {
      advice: source.emptyHint,
    })
  const found: ImportOutcome[] = []
  const run = { world, source, flags, copied: new Map<string, string>() }
  for (const offer of offers) {
    const { name: profile, what } = offer
    const outcome = { profile, what, ...(await importCandidate(run, offer)) }
    terminal.say(formatOutcome(world, outcome))
    found.push(outcome)
  }
  const chosen = source.findDefault?.(env)
  if (chosen !== undefined)
    terminal.say(
      `${source.title} uses ${sanitize(chosen)} where nothing is named; here: ${formatCommand({ verb: 'use', identity: sanitize(chosen) })}`,
    )
  return world.json ? { out: formatJson({ found, ...(chosen !== undefined && { chosen }) }) } : {}
}

function formatOutcome(
  { paintError }: CommandContext,
  { profile, what, outcome, next }: ImportOutcome,
): string {
  const mark = outcome === 'kept' ? paintError('green', '✓') : '-'
  const advice = next === undefined ? '' : `\n    ${stripUnsafeCharacters(next)}`
  return `${mark} ${sanitize(profile)}: ${what}; ${WORDS[outcome]}${advice}`
}

const WORDS: Record<ImportOutcome['outcome'], string> = {
  kept: 'kept under that name',
  would_be_kept: 'would be kept under that name',
  name_taken: 'that name is taken, nothing was changed',
  listed: 'not copied',
}

interface ImportRun {
  world: CommandContext
  source: ImportSource
  flags: ImportFlags
  /** Sessions that have a name here now. */
  copied: Map<string, string>
}

type ImportResult = Pick<ImportOutcome, 'outcome' | 'next'>

async function importCandidate(run: ImportRun, offer: ImportCandidate): Promise<ImportResult> {
  const { name, next, take, rotates } = offer
  if (!take) return { outcome: 'listed', next }
  if (!isIdentityName(name)) return { outcome: 'listed', next: NO_NAME }
  if (rotates) return importRotating(run, name, take, rotates)
  const taken = await take(run.world.daypass.now())
  if (!taken) return { outcome: 'listed', next: `it is over: ${next}` }
  return run.flags.dryRun ? previewImport(run, name, taken) : storeImport(run, name, taken, next)
}

const NO_NAME = 'an identity cannot have that name: give it one of A-Z a-z 0-9 . _ @ - there, then try again'

const previewImport = ({ world }: ImportRun, name: string, taken: ImportedGrant) =>
  resolveImport(
    { outcome: 'would_be_kept' },
    world.daypass.importIdentity({ name, ...taken }, { dryRun: true }),
  )

const storeImport = ({ world }: ImportRun, name: string, taken: ImportedGrant, next?: string) =>
  resolveImport({ outcome: 'kept', next }, world.daypass.importIdentity({ name, ...taken }))

/** Returns `listed` for what cannot become an identity, so that the others are still imported. */
async function resolveImport(success: ImportResult, adopting: Promise<boolean>): Promise<ImportResult> {
  try {
    return (await adopting) ? success : { outcome: 'name_taken' }
  } catch (error) {
    if (!isDaypassError(error, 'usage')) throw error
    return { outcome: 'listed', next: error.message }
  }
}

/** Imports a refresh token that rotates. It can be in one place only, and has one name here. */
async function importRotating(
  run: ImportRun,
  name: string,
  take: NonNullable<ImportCandidate['take']>,
  { session, login, again }: RotatingSession,
): Promise<ImportResult> {
  const { world, source, flags, copied } = run
  const instead = `${login}, or copy it with --take-over: then \`${again}\` is needed there again`
  if (!flags.takeOver) return { outcome: 'listed', next: instead }
  const by = copied.get(session)
  if (by !== undefined) return { outcome: 'listed', next: `it is the one of ${by}: use that` }
  const taken = await take(world.daypass.now())
  if (!taken) return { outcome: 'listed', next: `it is over: ${login}` }
  const would = await previewImport(run, name, taken)
  if (would.outcome === 'would_be_kept') copied.set(session, name)
  if (flags.dryRun || would.outcome !== 'would_be_kept') return would
  world.host.terminal.warn(
    `the session of ${name} is renewed by daypass now: ${source.title} will have to log in to it again`,
  )
  return storeImport(run, name, taken)
}
