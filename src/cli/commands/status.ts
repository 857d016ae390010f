import type { Listed } from '../../client/list.ts'
import { EXIT, isDaypassError } from '../../core/errors.ts'
import { shown } from '../../core/text.ts'
import { createVerb, selected } from '../flags.ts'
import { listIdentities } from '../output/identities.ts'
import { type Answer, jsonLine, type World } from '../output/result.ts'
import {
  accountWords,
  expiryWords,
  methodWords,
  sessionWords,
  sheet,
  stateWords,
  storeWords,
} from '../output/text.ts'
import type { Runner } from '../runner.ts'

export const createStatusCommand = ({ run }: Runner) =>
  createVerb('status')
    .description('whether it can be used, and for how long, offline; exit 4 if a login is needed')
    .argument('[identity]', 'which; all, when not given')
    .option('--check', 'ask the server')
    .action((identity, flags) =>
      run(flags, 'status', (world) => status(world, selected(identity, flags), flags)),
    )

interface StatusFlags {
  check?: boolean | undefined
}

/** Offline, unless `--check`. Exit 0 if usable, 4 if a login is needed. */
async function status(world: World, identity: string | undefined, flags: StatusFlags): Promise<Answer> {
  if (identity !== undefined) return one(world, await found(world, identity), flags)
  const { identities, problems, standIn } = await world.daypass.list()
  const active = identities.find(({ row }) => row.active)
  const checked = active && flags.check && !standIn ? await check(world, active) : active
  const all = await listIdentities(world)
  if (standIn) return { ...all, code: 0 }
  if (!active) return { ...all, code: problems.length > 0 ? EXIT.vault : EXIT.login_required }
  return { ...all, code: codeOf(checked!) }
}

const codeOf = ({ row }: Listed) => (row.state === 'valid' || row.state === 'stale' ? 0 : EXIT.login_required)

async function found({ daypass }: World, identity: string): Promise<Listed> {
  const { identities } = await daypass.list()
  const listed = identities.find(({ row }) => row.name === identity)
  return listed ?? daypass.status(identity)
}

async function one(world: World, listed: Listed, flags: StatusFlags): Promise<Answer> {
  const { json, paint } = world
  const checked = flags.check ? await check(world, listed) : listed
  if (json) return { out: jsonLine({ identities: [checked.row] }), code: codeOf(checked) }
  return { out: statusText(checked, paint, world.host.now()), code: codeOf(checked) }
}

function statusText(listed: Listed, paint: World['paint'], now: number): string {
  const { row } = listed
  const marks = [row.default && 'default', row.active && 'active'].filter(Boolean).join(', ')
  return [
    `${paint('bold', row.name)} (${row.kind})${marks ? ` [${marks}]` : ''}`,
    sheet(
      [
        ['state', stateWords(listed, paint)],
        ['account', accountWords(listed)],
        ['principal', row.principal && shown(row.principal)],
        ['tenant', row.tenant],
        ['api', listed.header?.params.api_url],
        ['region', row.region],
        ['expires', expiryWords(listed)],
        ['login lasts', sessionWords(listed, now)],
        ['obtained by', methodWords(row.method)],
        ['kept in', storeWords(row.store)],
        ['logins lost', lostWords(row)],
      ],
      paint,
    ),
  ].join('\n')
}

const lostWords = ({ lost_renewals: lost }: Listed['row']) =>
  lost === 0 ? undefined : `${lost}, with the answer to a renewal`

/** Asks the server: renews what is stale, and reads who the bearer is. */
async function check(world: World, listed: Listed): Promise<Listed> {
  const { daypass } = world
  const { name } = listed.row
  if (listed.row.store === 'environment') return listed
  try {
    await daypass.check(name)
    return daypass.status(name)
  } catch (error) {
    if (!isDaypassError(error, 'login_required')) throw error
    return { ...listed, row: { ...listed.row, state: 'login_required' }, why: error.message }
  }
}
