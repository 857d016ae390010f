/** Plans what `setup docker` writes: daypass as the helper for the registries of an identity. */
import { DaypassError } from '../../core/errors.ts'
import { applyEdits, type Edit, expandToLines, formatDiff, type Mask } from '../files/edits.ts'
import { type Env, resolveInFolder } from '../files/expand-home.ts'
import {
  appendMembers,
  changeMembers,
  createNotJsonError,
  findMember,
  findRoot,
  isJson,
  type Json,
  parseObject,
  removeChild,
} from '../files/json-edit.ts'
import type { LedgerEntry, UndoText } from '../files/ledger.ts'
import type { Plan, Setup } from '../setup-plan.ts'

/** docker adds the prefix `docker-credential-` and searches the PATH. */
const HELPER = 'daypass'

export const resolveDockerConfigPath = (env: Env, platform: NodeJS.Platform = process.platform) =>
  resolveInFolder(env, platform, { variable: 'DOCKER_CONFIG', folder: '.docker', name: 'config.json' })

export interface DockerSetup {
  identity: string
  registries: readonly string[]
  /** Replace another helper. */
  force?: boolean | undefined
}

export function createDockerSetup(request: DockerSetup, path: string): Setup {
  const { identity, registries } = request
  const place = registries.join(', ')
  return {
    tool: 'docker',
    identity,
    place,
    path,
    plan: ({ text }) => planDockerEdits(request, { path, text, place }),
  }
}

function planDockerEdits(
  request: DockerSetup,
  { path, text, place }: { path: string; text: string; place: string },
): Plan {
  const { auths, credHelpers } = parseDockerConfig(text, path)
  const wanted = Object.fromEntries(request.registries.map((each) => [each, HELPER]))
  for (const registry of request.registries) {
    const there = credHelpers[registry]
    if (there !== undefined && there !== HELPER && !request.force)
      throw createHelperTakenError(request, path, registry)
  }
  const edits = buildDockerEdits(text, path, wanted)
  const warnings = request.registries
    .filter((each) => isJson(auths[each]) && Object.keys(auths[each]).length > 0)
    .map((each) => `there is a password for ${each} in ${path} still, which docker no longer takes`)
  const diff = formatDiff(path, text, expandToLines(text, edits), maskDockerLine)
  return { place, path, edits, diff, warnings }
}

function parseDockerConfig(text: string, path: string): { auths: Json; credHelpers: Json } {
  const { auths = {}, credHelpers = {} } = text.trim() === '' ? {} : parseObject(text, path)
  if (!isJson(credHelpers)) throw createNotJsonError(path, '"credHelpers" is no object')
  return { auths: isJson(auths) ? auths : {}, credHelpers }
}

function buildDockerEdits(text: string, path: string, wanted: Json): Edit[] {
  if (text.trim() === '')
    return [{ at: 0, before: text, after: `${JSON.stringify({ credHelpers: wanted }, null, '\t')}\n` }]
  const root = findRoot(text)
  const helpers = findMember(text, root, 'credHelpers', path)
  return helpers
    ? changeMembers(text, path, helpers, wanted)
    : [appendMembers(text, root, { credHelpers: wanted })]
}

const createHelperTakenError = ({ identity }: DockerSetup, path: string, registry: string) =>
  new DaypassError('usage', `there is another helper for ${registry} in ${path} already`, {
    hint: (command) =>
      `${command({ verb: 'setup', args: ['docker'], identity, flags: ['--force'] })} to take its place`,
  })

/** Masks all other values, which may be a password, or a header with one. */
const maskDockerLine: Mask = (line) => line.replace(/(:\s*)"(?!daypass")[^"]*"/g, '$1"…"')

/** Undoes the setup in a file changed since: restores each registry's earlier helper, if any. */
export const undoDockerSetup: UndoText = (text, { place, edits, file }) => {
  const { credHelpers } = parseDockerConfig(text, file)
  const ours = place.split(', ').filter((each) => credHelpers[each] === HELPER)
  if (ours.length === 0) return text
  const root = findRoot(text)
  const helpers = findMember(text, root, 'credHelpers', file)!
  const isOnly = Object.keys(credHelpers).length === ours.length
  const before = parseEarlierHelpers(edits)
  if (isOnly && before === undefined) return applyEdits(text, [removeChild(text, root, helpers)])
  const back = Object.fromEntries(ours.map((each) => [each, before?.[each]]))
  return applyEdits(text, changeMembers(text, file, helpers, back))
}

/** Returns the earlier helpers, or undefined where there was no such member. */
function parseEarlierHelpers(edits: LedgerEntry['edits']): Json | undefined {
  const was = edits.find(({ before }) => before.startsWith('{'))
  return was && (JSON.parse(was.before) as Json)
}
