/** Plans what `setup kubectl` writes into a kubeconfig: a user whose token comes from daypass. */
import { isDeepStrictEqual } from 'node:util'
import { DaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { applyEdits, type Edit, formatDiff, type Mask } from '../files/edits.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import type { LedgerEntry, UndoText } from '../files/ledger.ts'
import type { Plan, Setup } from '../setup-plan.ts'
import { type KubeUser, parseKubeconfig } from './kubeconfig.ts'

export interface KubectlSetup {
  /** Name of the user in the kubeconfig. */
  user: string
  identity: string
  /** Replace a user that exists already. */
  force?: boolean | undefined
  /** The command of kubectl: Node, our program, `kube-credential` and the identity. */
  command: readonly string[]
  /** `client.authentication.k8s.io/v1` */
  apiVersion: string
}

interface KubeconfigPaths {
  path: string
  /** Other files that kubectl reads. */
  others: readonly string[]
}

export function createKubectlSetup(request: KubectlSetup, { path, others }: KubeconfigPaths): Setup {
  const { identity, user: place } = request
  return {
    tool: 'kubectl',
    identity,
    place,
    path,
    plan({ text }, ours) {
      for (const other of others) refuseExistingUser(other, request)
      return planKubectlEdits(request, { path, text, ours })
    },
  }
}

/** Throws for an existing user: of two with one name, kubectl may use the other. */
function refuseExistingUser(path: string, { user, identity }: KubectlSetup): void {
  if (!parseKubeconfig(readForeignFile(path).text, path).users.some(({ name }) => name === user)) return
  throw new DaypassError('usage', `there is a user "${sanitize(user)}" in ${path} already`, {
    advice: { verb: 'setup', args: ['kubectl'], identity, flags: ['--as', '<name>'] },
  })
}

interface FileState {
  path: string
  text: string
  ours: readonly LedgerEntry[]
}

function planKubectlEdits(request: KubectlSetup, there: FileState): Plan {
  const { path, text, ours } = there
  const { user: place, identity } = request
  const wanted = { name: place, user: { exec: buildExecConfig(request) } }
  const kubeconfig = parseKubeconfig(text, path)
  const found = kubeconfig.users.find(({ name }) => name === place)
  const isDone = found !== undefined && isSameExec(found, wanted.user.exec)
  const isOurs = ours.length > 0 && isOwnUser(found)
  if (found && !isDone && !isOurs && !request.force)
    throw new DaypassError('usage', `there is a user "${sanitize(place)}" in ${path} already`, {
      hint: (command) =>
        `${command({ verb: 'setup', args: ['kubectl'], identity, flags: ['--as', place, '--force'] })} to take its place, or choose another name`,
    })
  const edit = found ? kubeconfig.replaceUser(found, wanted) : kubeconfig.addUser(wanted)
  const edits = isDone ? [] : checkKubectlEdit(request, there, edit, wanted)
  return { place, path, edits, diff: formatDiff(path, text, edits, maskKubectlLine), warnings: [] }
}

function buildExecConfig({ apiVersion, command: [command, ...args] }: KubectlSetup) {
  return { apiVersion, command, args, interactiveMode: 'Never', provideClusterInfo: true }
}

/** Compares without the defaults that kubectl adds: `env: null`. */
const isSameExec = ({ user }: KubeUser, wanted: object) =>
  Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(value, Object(Object(user).exec)[name]))

/** Returns whether kubectl runs daypass for this user. */
function isOwnUser(found: KubeUser | undefined): boolean {
  const { args } = Object(Object(found?.user).exec) as { args?: unknown }
  return Array.isArray(args) && args.includes('kube-credential')
}

/** Parses the result again and throws if it differs: hand-written files may contain unexpected syntax. */
function checkKubectlEdit(
  request: KubectlSetup,
  { path, text }: FileState,
  edit: Edit | undefined,
  wanted: KubeUser,
): Edit[] {
  if (edit) {
    const after = applyEdits(text, [edit])
    const now = parseKubeconfig(after, path).users.find(({ name }) => name === wanted.name)
    if (isDeepStrictEqual(now?.user, wanted.user) && isOtherwiseUnchanged(text, after, path, wanted.name))
      return [edit]
  }
  const [command, ...args] = request.command
  const words = [
    `command=${command}`,
    ...args.map((each) => `arg=${each}`),
    `api-version=${request.apiVersion}`,
  ]
  const flags = [...words, 'interactive-mode=Never', 'provide-cluster-info=true']
    .map((each) => `--exec-${each}`)
    .join(' ')
  throw createUnsafeEditError(path, `kubectl config set-credentials ${wanted.name} ${flags}`)
}

/** Returns whether all but this user is unchanged; a new file may get its standard fields. */
function isOtherwiseUnchanged(before: string, after: string, path: string, name: string): boolean {
  const [was, is] = [before, after].map((text) => {
    const { users, ...rest } = parseKubeconfig(text, path).content
    const others = (Array.isArray(users) ? users : []).filter((each) => Object(each).name !== name)
    return { rest, others }
  })
  const isNew = Object.keys(was!.rest).length === 0
  return isDeepStrictEqual(was!.others, is!.others) && (isNew || isDeepStrictEqual(was!.rest, is!.rest))
}

const createUnsafeEditError = (path: string, hint: string) =>
  new DaypassError('configuration', `${path} is written in a way that daypass cannot change safely`, {
    hint: `change it yourself: ${hint}`,
  })

/** Masks all other values, which may be a token or a key. */
const maskKubectlLine: Mask = (line, isAdded) =>
  isAdded ? line : line.replace(/^(\s*(?:- )?[\w-]+:\s+)\S.*$|^(\s*- )\S.*$/, '$1$2…')

/** Undoes the setup in a file that has changed since: removes our user or restores the earlier one. */
export const undoKubectlSetup: UndoText = (text, { place, edits, file }, note) => {
  const kubeconfig = parseKubeconfig(text, file)
  const found = kubeconfig.users.find(({ name }) => name === place)
  if (!found || !isOwnUser(found)) return text
  const was = edits.find(({ before }) => /^\s*- /.test(before))
  const edit = { ...kubeconfig.replaceUser(found, undefined), after: was?.before ?? '' }
  const after = applyEdits(text, [edit])
  if (!isOtherwiseUnchanged(text, after, file, place))
    throw createUnsafeEditError(file, `kubectl config delete-user ${place}`)
  if (!was)
    for (const context of listUserContexts(kubeconfig.content, place))
      note(`context ${sanitize(context)} names the user ${place} still`)
  return after
}

function listUserContexts({ contexts }: Record<string, unknown>, user: string): string[] {
  const all = Array.isArray(contexts) ? contexts : []
  return all.filter((each) => Object(Object(each).context).user === user).map((each) => String(each.name))
}
