import { DaypassError, formatCommand, isDaypassError } from '../../core/errors.ts'
import { isIdentityName } from '../../core/names.ts'
import { harmless, shown } from '../../core/text.ts'
import { offersOfAliyun } from '../../tools/alibaba/import-aliyun.ts'
import { offersOfIacCode } from '../../tools/alibaba/import-iac-code.ts'
import { offersOfAws } from '../../tools/aws/import.ts'
import { offersOfCld } from '../../tools/cloudinary/import.ts'
import type { Offer, Rotating, Source, Taken } from '../../tools/importer.ts'
import { createVerb } from '../flags.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import type { Runner } from '../runner.ts'
import { toolNamed } from '../setup/tool-name.ts'

export const createImportCommand = ({ run }: Runner) =>
  createVerb('import')
    .description('copy what another tool keeps; its files stay as they are')
    .argument('<tool>', 'aws, aliyun, iac-code or cld')
    .option('--take-over', 'sessions that rotate, too: the other tool has to log in again')
    .option('--dry-run', 'only say what would be copied')
    .action((tool, flags) => run(flags, 'import', (world) => importFrom(world, tool, flags)))

const SOURCES: Readonly<Record<string, Source>> = {
  aws: offersOfAws,
  aliyun: offersOfAliyun,
  'iac-code': offersOfIacCode,
  cld: offersOfCld,
}

interface ImportFlags {
  takeOver?: boolean | undefined
  dryRun?: boolean | undefined
}

/** What became of one thing that was found. */
interface Outcome {
  /** The other tool's name for it. */
  profile: string
  what: string
  outcome: 'kept' | 'would_be_kept' | 'name_taken' | 'listed'
  /** What to do about it. */
  next?: string | undefined
}

/** Copies what does not rotate; never changes the other tool's files. */
async function importFrom(world: World, tool: string, flags: ImportFlags): Promise<Answer> {
  const source = toolNamed(SOURCES, tool, 'import')
  const { env, terminal } = world.host
  const offers = source.offers(env)
  if (offers.length === 0)
    throw new DaypassError('not_found', `there is nothing in ${source.files(env).join(' and ')}`, {
      advice: source.instead,
    })
  const found: Outcome[] = []
  const run = { world, source, flags, copied: new Map<string, string>() }
  for (const offer of offers) {
    const { name: profile, what } = offer
    const outcome = { profile, what, ...(await outcomeOf(run, offer)) }
    terminal.say(lineOf(world, outcome))
    found.push(outcome)
  }
  const chosen = source.chosen?.(env)
  if (chosen !== undefined)
    terminal.say(
      `${source.title} uses ${shown(chosen)} where nothing is named; here: ${formatCommand({ verb: 'use', identity: shown(chosen) })}`,
    )
  return world.json ? { out: jsonLine({ found, ...(chosen !== undefined && { chosen }) }) } : {}
}

function lineOf({ paintError }: World, { profile, what, outcome, next }: Outcome): string {
  const mark = outcome === 'kept' ? paintError('green', '✓') : '-'
  const advice = next === undefined ? '' : `\n    ${harmless(next)}`
  return `${mark} ${shown(profile)}: ${what}; ${WORDS[outcome]}${advice}`
}

const WORDS: Record<Outcome['outcome'], string> = {
  kept: 'kept under that name',
  would_be_kept: 'would be kept under that name',
  name_taken: 'that name is taken, nothing was changed',
  listed: 'not copied',
}

interface Run {
  world: World
  source: Source
  flags: ImportFlags
  /** Sessions that have a name here now. */
  copied: Map<string, string>
}

type Done = Pick<Outcome, 'outcome' | 'next'>

async function outcomeOf(run: Run, offer: Offer): Promise<Done> {
  const { name, next, take, rotates } = offer
  if (!take) return { outcome: 'listed', next }
  if (!isIdentityName(name)) return { outcome: 'listed', next: NO_NAME }
  if (rotates) return rotating(run, name, take, rotates)
  const taken = await take(run.world.daypass.now())
  if (!taken) return { outcome: 'listed', next: `it is over: ${next}` }
  return run.flags.dryRun ? wouldBe(run, name, taken) : kept(run, name, taken, next)
}

const NO_NAME = 'an identity cannot have that name: give it one of A-Z a-z 0-9 . _ @ - there, then try again'

const wouldBe = ({ world }: Run, name: string, taken: Taken) =>
  done({ outcome: 'would_be_kept' }, world.daypass.adopt({ name, ...taken }, { dryRun: true }))

const kept = ({ world }: Run, name: string, taken: Taken, next?: string) =>
  done({ outcome: 'kept', next }, world.daypass.adopt({ name, ...taken }))

/** What cannot be an identity as it stands there does not keep the others from becoming one. */
async function done(success: Done, adopting: Promise<boolean>): Promise<Done> {
  try {
    return (await adopting) ? success : { outcome: 'name_taken' }
  } catch (error) {
    if (!isDaypassError(error, 'usage')) throw error
    return { outcome: 'listed', next: error.message }
  }
}

/** A refresh token that rotates lives in one place alone, and has one name here. */
async function rotating(
  run: Run,
  name: string,
  take: NonNullable<Offer['take']>,
  { session, login, again }: Rotating,
): Promise<Done> {
  const { world, source, flags, copied } = run
  const instead = `${login}, or copy it with --take-over: then \`${again}\` is needed there again`
  if (!flags.takeOver) return { outcome: 'listed', next: instead }
  const by = copied.get(session)
  if (by !== undefined) return { outcome: 'listed', next: `it is the one of ${by}: use that` }
  const taken = await take(world.daypass.now())
  if (!taken) return { outcome: 'listed', next: `it is over: ${login}` }
  const would = await wouldBe(run, name, taken)
  if (would.outcome === 'would_be_kept') copied.set(session, name)
  if (flags.dryRun || would.outcome !== 'would_be_kept') return would
  world.host.terminal.warn(
    `the session of ${name} is renewed by daypass now: ${source.title} will have to log in to it again`,
  )
  return kept(run, name, taken)
}
