/** The clusters that an identity's token was meant for, as `setup kubectl` found them, or a person was told of them. */
import { writeFileDurably } from '../../vault/atomic.ts'
import { runExclusively } from '../../vault/lock.ts'
import { readOwnFile } from '../../vault/read-file.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { parseKubeconfig } from './kubeconfig.ts'

type Clusters = Record<string, readonly string[]>

/** A file that says something else is written anew: it is only what was said before. */
function readClusters(path: string): Clusters {
  try {
    const said: unknown = JSON.parse(readOwnFile(path) ?? '{}')
    const entries = Object.entries(Object(said) as Clusters)
    return Object.fromEntries(entries.filter(([, servers]) => Array.isArray(servers)))
  } catch {
    return {}
  }
}

/** True: there are others, and this one is not among them. It is from now on. */
export async function noteCluster(path: string, identity: string, server: string): Promise<boolean> {
  const known = readClusters(path)[identity] ?? []
  if (known.includes(server)) return false
  await addClusters(path, identity, [server])
  return known.length > 0
}

export const addClusters = (path: string, identity: string, servers: readonly string[]): Promise<void> =>
  changeClusters(path, identity, (known) => [...new Set([...known, ...servers])])

export const forgetClusters = (path: string, identity: string): Promise<void> =>
  changeClusters(path, identity, () => [])

const changeClusters = (
  path: string,
  identity: string,
  change: (known: readonly string[]) => readonly string[],
): Promise<void> =>
  runExclusively(`${path}.lock`, 'kubectl', async () => {
    const all = readClusters(path)
    const now = { ...all, [identity]: change(all[identity] ?? []) }
    writeFileDurably(path, `${JSON.stringify(now)}\n`)
  })

/** The servers of the contexts of a user, else that of the current context. */
export function listUserServers(paths: readonly string[], user: string): string[] {
  const contents = paths.map((path) => parseKubeconfig(readForeignFile(path).text, path).content)
  const list = (name: string) =>
    contents.flatMap((one) => (Array.isArray(one[name]) ? one[name] : [])) as Named[]
  const current = contents.map((one) => one['current-context']).find(Boolean)
  const contexts = list('contexts')
  const own = contexts.filter(({ context }) => Object(context).user === user)
  const meant = own.length > 0 ? own : contexts.filter(({ name }) => name === current).slice(0, 1)
  const clusters = meant.map(({ context }) => Object(context).cluster as unknown)
  const found = list('clusters').filter(({ name }) => clusters.includes(name))
  const servers = found.map(({ cluster }) => Object(cluster).server as unknown)
  return servers.flatMap((server) =>
    typeof server === 'string' && URL.canParse(server) ? [formatCluster(new URL(server))] : [],
  )
}

/** Several may share a host, each below a path of its own. */
export const formatCluster = ({ origin, pathname }: URL) => `${origin}${pathname.replace(/\/+$/, '')}`

interface Named {
  name?: unknown
  context?: unknown
  cluster?: unknown
}
