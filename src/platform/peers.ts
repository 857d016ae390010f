import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'

// Every user of the machine can connect to 127.0.0.1. Who did is read from the kernel's tables of TCP sockets.

export interface SocketEnd {
  address: string
  port: number
}

/** Both ends of a connection. Undefined: the system does not know it any more. */
export interface Connection {
  own: SocketEnd | undefined
  peer: SocketEnd | undefined
}

interface PeerSources {
  /** The rows of `/proc/net/tcp` and `/proc/net/tcp6`. */
  readRows(): string
  /** The user ids whose requests are answered. */
  uids: ReadonlySet<number>
}

const ESTABLISHED = '01'
const LISTENING = '0A'
const CLOSED = 'a program that closed its connection at once'

/**
 * Describes the peer where it is not to be answered. Undefined: it is ours, root's or the caller's of sudo, or the
 * tables show no socket of ours (WSL 1, gVisor), so that they prove nothing.
 *
 * A socket that was closed belongs to no user any more and shows the uid 0, so only an open one counts. A peer that
 * resets the connection takes our end away, too; then the row of our listener shows that the tables work.
 */
export function findStranger(connection: Connection, sources = SYSTEM): string | undefined {
  if (sources === undefined) return undefined
  const { own, peer } = connection
  if (own === undefined || peer === undefined) return CLOSED
  const [ours, theirs] = [formatEnd(own), formatEnd(peer)]
  const look = () => {
    const rows = sources.readRows()
    return { uid: findOpenSocket(rows, theirs, ours), shown: isShown(rows, ours, theirs) }
  }
  let { uid, shown } = look()
  // The kernel writes the tables in pieces, and may skip a row when other sockets come and go meanwhile.
  if (uid === undefined) ({ uid, shown } = look())
  if (uid === undefined) return shown ? CLOSED : undefined
  return sources.uids.has(uid) ? undefined : `another user of this machine (uid ${uid})`
}

/** One end as the tables write it; of IPv4 also as an IPv6 socket has it that is connected to IPv4. */
type Forms = readonly { address: string; port: string }[]

function findOpenSocket(rows: string, local: Forms, remote: Forms): number | undefined {
  for (const [index, { address, port }] of local.entries()) {
    const other = remote[index]
    const found = other && findRow(rows, `${address}:${port} ${other.address}:${other.port} ${ESTABLISHED} `)
    // sl local remote state queues timer retransmits uid timeout inode
    const [uid, , inode] = found?.trim().split(/\s+/).slice(3) ?? []
    if (uid !== undefined && inode !== undefined && inode !== '0') return Number(uid)
  }
  return undefined
}

/** Whether there is a row of our end of the connection, in any state, or of what listens there. */
function isShown(rows: string, own: Forms, peer: Forms): boolean {
  return own.some(({ address, port }, index) => {
    const other = peer[index]
    const ends = other && findRow(rows, `${address}:${port} ${other.address}:${other.port} `)
    const anywhere = address.replace(/./g, '0')
    return (ends ?? findRow(rows, `${address}:${port} ${anywhere}:0000 ${LISTENING} `)) !== undefined
  })
}

/** What stands behind these columns. */
function findRow(rows: string, columns: string): string | undefined {
  const at = rows.indexOf(`: ${columns}`)
  return at === -1 ? undefined : rows.slice(at + columns.length + 2).split('\n', 1)[0]
}

function formatEnd({ address, port }: SocketEnd): Forms {
  const words = listWords(address)
  const shown = port.toString(16).toUpperCase().padStart(4, '0')
  const whole = { address: words.join(''), port: shown }
  const isMapped = words.slice(0, 3).join('') === MAPPED
  return isMapped ? [{ address: words[3]!, port: shown }, whole] : [whole]
}

/** The four words of an IPv6 address, each in the byte order of the machine. IPv4 becomes `::ffff:a.b.c.d`. */
function listWords(address: string): string[] {
  const text = (address.includes(':') ? address : `::ffff:${address}`)
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
      const [a, b, c, d] = bytes.map(Number) as [number, number, number, number]
      return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
    })
  const [front = [], back = []] = text.split('::').map((part) => part.split(':').filter(Boolean))
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  const groups = [...front, ...zeros, ...back].map((group) => group.toUpperCase().padStart(4, '0'))
  return [0, 2, 4, 6].map((at) => {
    const bytes = `${groups[at]}${groups[at + 1]}`.match(/../g) ?? []
    return (endianness() === 'LE' ? bytes.reverse() : bytes).join('')
  })
}

const MAPPED = listWords('::ffff:0:0').slice(0, 3).join('')

const SYSTEM: PeerSources | undefined =
  process.platform === 'linux'
    ? {
        readRows: () => ['/proc/net/tcp', '/proc/net/tcp6'].map(readOrEmpty).join('\n'),
        uids: listTrustedUids(process.env),
      }
    : undefined

/** Ours, root's, and under sudo or pkexec the caller's, whose browser it is. */
export function listTrustedUids(env: Readonly<Record<string, string | undefined>>): ReadonlySet<number> {
  const callers = [env.SUDO_UID, env.PKEXEC_UID].filter((uid) => uid !== undefined && /^\d+$/.test(uid))
  return new Set([process.geteuid?.() ?? 0, 0, ...callers.map(Number)])
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
