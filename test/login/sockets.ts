import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
  /** The connection was reset or cut: what is here may not be all. */
  broken: boolean
}

export function request(target: string, host: string, { method = 'GET', more = '' } = {}): string {
  return `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`
}

/** Sends bytes as they are and reads until the other side closes. */
export function send(port: number, bytes: string, address = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, address, () => socket.write(bytes))
    const done = (broken: boolean) => resolve({ ...parsed(text), broken })
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => done(true))
    socket.on('close', () => done(false))
  })
}

function parsed(text: string): Omit<Answer, 'broken'> {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}

/** A connection that says `bytes` and then nothing. */
export function hang(port: number, bytes = ''): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (bytes !== '') socket.write(bytes)
      resolve(socket)
    })
    socket.on('error', () => resolve(socket))
  })
}

/** The local addresses that listen on a port, as the kernel writes them. Linux only. */
export function listeningOn(port: number): string[] {
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    readFileSync(path, 'utf8').split('\n').slice(1),
  )
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${hex}`))
    .map(([, local]) => local!.split(':')[0]!)
}

export const LOOPBACK_4 = '0100007F'
export const LOOPBACK_6 = '00000000000000000000000001000000'
