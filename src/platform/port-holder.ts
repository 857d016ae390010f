import { opendir, readdir, readFile, readlink } from 'node:fs/promises'
import { sanitize } from '../core/text.ts'

const MAX_PROCESSES = 4_000
const MAX_TIME = 500
const LISTENING = '0A'

/**
 * Returns who listens on a port, within half a second: `node (pid 4711)`, or of another user's program the uid. Only
 * Linux tells.
 */
export async function findPortHolder(port: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const { sockets, uids } = await listListeningSockets(port)
  const stranger = uids.find((uid) => uid !== process.getuid?.())
  const whose = stranger === undefined ? '' : ` of another user (uid ${stranger})`
  const unnamed = whose === '' ? undefined : `a program${whose}`
  const deadline = performance.now() + MAX_TIME
  try {
    let seen = 0
    for await (const { name } of await opendir('/proc')) {
      if (!/^\d+$/.test(name)) continue
      if (++seen > MAX_PROCESSES || performance.now() > deadline) return unnamed
      if (await hasSocket(name, sockets)) return `${await readProcessName(name)} (pid ${name})${whose}`
    }
  } catch {
    // /proc cannot be listed: the error is useful without the name.
  }
  return unnamed
}

async function listListeningSockets(port: number): Promise<{ sockets: ReadonlySet<string>; uids: number[] }> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readOrEmpty))
  const rows = tables.flatMap((table) => table.split('\n').slice(1)).map((row) => row.trim().split(/\s+/))
  const here = rows.filter(([, local, , state]) => {
    return state === LISTENING && Number.parseInt(local?.split(':')[1] ?? '', 16) === port
  })
  return {
    sockets: new Set(here.map((row) => `socket:[${row[9]}]`)),
    uids: here.map((row) => Number(row[7])),
  }
}

async function hasSocket(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  // A process of another user, or one that just ended, shows no files.
  const files = await readdir(folder).catch(() => [])
  const links = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => '')))
  return links.some((link) => sockets.has(link))
}

async function readProcessName(pid: string): Promise<string> {
  return sanitize((await readOrEmpty(`/proc/${pid}/comm`)).trim() || 'a program')
}

function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
