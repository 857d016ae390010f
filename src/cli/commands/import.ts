import { DaypassError } from '../../core/errors.ts'
import { isIdentityName } from '../../core/names.ts'
import { harmless, shown } from '../../core/text.ts'
import type { Offer, Rotating, Source } from '../../tools/offer.ts'
import { offersOfAws } from '../../tools/offers-aws.ts'
import { type Answer, jsonLine, type World } from '../answer.ts'
import { toolNamed } from '../tool-named.ts'

const SOURCES: Readonly<Record<string, Source>> = { aws: offersOfAws }

export interface ImportFlags {
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
export async function importFrom(world: World, tool: string, flags: ImportFlags): Promise<Answer> {
  const source = toolNamed(SOURCES, tool, 'import')
  const { host, json, paintError } = world
  const outcomes: Outcome[] = []
  const run = { world, source, flags, copied: new Map<string, string>() }
  for (const offer of source.offers(host.env)) {
    const { name: profile, what } = offer
    outcomes.push({ profile, what, ...(await outcomeOf(run, offer)) })
  }
  if (outcomes.length === 0)
    throw new DaypassError('not_found', `there is nothing in ${source.files(host.env).join(' and ')}`, {
      hint: source.instead,
    })
  for (const { profile, what, outcome, next } of outcomes) {
    const mark = outcome === 'kept' ? paintError('green', '✓') : '-'
    host.terminal.say(
      `${mark} ${shown(profile)}: ${what}; ${WORDS[outcome]}${next === undefined ? '' : `\n    ${harmless(next)}`}`,
    )
  }
  return json ? { out: jsonLine({ found: outcomes }) } : {}
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
  if (run.flags.dryRun) return { outcome: await wouldBe(run, name) }
  const taken = await take(run.world.daypass.now())
  const isKept = taken && (await run.world.daypass.adopt({ name, ...taken }))
  return isKept ? { outcome: 'kept', next } : { outcome: 'name_taken' }
}

const NO_NAME = 'an identity cannot have that name: give it one of A-Z a-z 0-9 . _ @ - there, then try again'

/** What could be copied, unless something has its name. */
const wouldBe = async ({ world }: Run, name: string) =>
  (await world.daypass.names()).includes(name) ? 'name_taken' : 'would_be_kept'

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
  const would = await wouldBe(run, name)
  if (would === 'would_be_kept') copied.set(session, name)
  if (flags.dryRun || would === 'name_taken') return { outcome: would }
  world.host.terminal.warn(
    `the session of ${name} is renewed by daypass now: ${source.title} will have to log in to it again`,
  )
  return { outcome: (await world.daypass.adopt({ name, ...taken })) ? 'kept' : 'name_taken' }
}
