/** What `setup docker` writes into docker's configuration: us as the helper for the registries of an identity. */
import { DaypassError } from '../../core/errors.ts'
import { applyEdits, diffOf, type Edit, type Mask, wholeLines } from '../files/edits.ts'
import { type Env, inFolder } from '../files/expand-home.ts'
import {
  appended,
  changed,
  isJson,
  type Json,
  memberOf,
  notJson,
  parseObject,
  removed,
  rootOf,
} from '../files/json-edit.ts'
import type { LedgerEntry, TakeBack } from '../files/ledger.ts'
import type { Plan, Setup } from '../setup-plan.ts'

/** docker puts `docker-credential-` before it, and looks along the PATH. */
const HELPER = 'daypass'

export const dockerConfigPath = (env: Env, platform: NodeJS.Platform = process.platform) =>
  inFolder(env, platform, { variable: 'DOCKER_CONFIG', folder: '.docker', name: 'config.json' })

export interface DockerSetup {
  identity: string
  registries: readonly string[]
  /** In the place of somebody else's helper. */
  force?: boolean | undefined
}

export function dockerSetup(request: DockerSetup, path: string): Setup {
  const { identity, registries } = request
  const place = registries.join(', ')
  return {
    tool: 'docker',
    identity,
    place,
    path,
    plan: ({ text }) => planned(request, { path, text, place }),
  }
}

function planned(
  request: DockerSetup,
  { path, text, place }: { path: string; text: string; place: string },
): Plan {
  const { auths, credHelpers } = readDocker(text, path)
  const wanted = Object.fromEntries(request.registries.map((each) => [each, HELPER]))
  for (const registry of request.registries) {
    const there = credHelpers[registry]
    if (there !== undefined && there !== HELPER && !request.force) throw isTaken(request, path, registry)
  }
  const edits = editsFor(text, path, wanted)
  const warnings = request.registries
    .filter((each) => isJson(auths[each]) && Object.keys(auths[each]).length > 0)
    .map((each) => `there is a password for ${each} in ${path} still, which docker no longer takes`)
  const diff = diffOf(path, text, wholeLines(text, edits), masked)
  return { place, path, edits, diff, warnings }
}

function readDocker(text: string, path: string): { auths: Json; credHelpers: Json } {
  const { auths = {}, credHelpers = {} } = text.trim() === '' ? {} : parseObject(text, path)
  if (!isJson(credHelpers)) throw notJson(path, '"credHelpers" is no object')
  return { auths: isJson(auths) ? auths : {}, credHelpers }
}

function editsFor(text: string, path: string, wanted: Json): Edit[] {
  if (text.trim() === '')
    return [{ at: 0, before: text, after: `${JSON.stringify({ credHelpers: wanted }, null, '\t')}\n` }]
  const root = rootOf(text)
  const helpers = memberOf(text, root, 'credHelpers', path)
  return helpers ? changed(text, path, helpers, wanted) : [appended(text, root, { credHelpers: wanted })]
}

const isTaken = ({ identity }: DockerSetup, path: string, registry: string) =>
  new DaypassError('usage', `there is another helper for ${registry} in ${path} already`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['docker'], identity, flags: ['--force'] })} to take its place`,
  })

/** Any other value of the file may be a password, or a header with one. */
const masked: Mask = (line) => line.replace(/(:\s*)"(?!daypass")[^"]*"/g, '$1"…"')

/** In a file that has changed since: our registries have the helper again that they had before, if any. */
export const takeBackDocker: TakeBack = (text, { place, edits, file }) => {
  const { credHelpers } = readDocker(text, file)
  const ours = place.split(', ').filter((each) => credHelpers[each] === HELPER)
  if (ours.length === 0) return text
  const root = rootOf(text)
  const helpers = memberOf(text, root, 'credHelpers', file)!
  const isOnly = Object.keys(credHelpers).length === ours.length
  const before = earlier(edits)
  if (isOnly && before === undefined) return applyEdits(text, [removed(text, root, helpers)])
  const back = Object.fromEntries(ours.map((each) => [each, before?.[each]]))
  return applyEdits(text, changed(text, file, helpers, back))
}

/** The helpers that stood there; `undefined`: there was no such member. */
function earlier(edits: LedgerEntry['edits']): Json | undefined {
  const was = edits.find(({ before }) => before.startsWith('{'))
  return was && (JSON.parse(was.before) as Json)
}
