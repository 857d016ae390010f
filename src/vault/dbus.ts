/**
 * The part of D-Bus that a client of one service needs (D-Bus Specification 0.43): a Unix socket, EXTERNAL
 * authentication, method calls, their answers, and signals. Every wait ends when `signal` aborts, so a silent
 * bus does not block the caller.
 */
import { connect, type Socket } from 'node:net'

/** A value with its type; the content of type `v`. */
export interface Variant {
  signature: string
  value: Value
}

/** `ay` is a Buffer, a struct is an array, a dictionary is an array of pairs. */
export type Value = string | number | boolean | Buffer | Variant | readonly Value[]

interface Call {
  destination: string
  path: string
  interface: string
  member: string
  signature?: string
  body?: readonly Value[]
}

interface Signal {
  path: string
  interface: string
  member: string
  body: readonly Value[]
}

export interface Bus {
  /** Resolves with the values of the answer. Rejects with an Error that begins with the D-Bus error name. */
  call(call: Call): Promise<readonly Value[]>
  onSignal(listener: (signal: Signal) => void): void
  close(): void
}

/** Lists the sockets of the session bus, such as `/run/user/1000/bus`. Other transports are omitted. */
export function findBusSockets(env: Readonly<Record<string, string | undefined>>): string[] {
  const runtime = env.XDG_RUNTIME_DIR
  const addresses = env.DBUS_SESSION_BUS_ADDRESS ?? (runtime ? 'unix:runtime=yes' : '')
  return addresses.split(';').flatMap((address) => {
    const [transport, options = ''] = address.split(/:(.*)/s)
    if (transport !== 'unix') return []
    const found = new Map(
      options.split(',').map((pair) => pair.split(/=(.*)/s).map(decodePercent) as [string, string]),
    )
    const abstract = found.get('abstract')
    const path =
      found.get('path') ?? (found.get('runtime') === 'yes' && runtime ? `${runtime}/bus` : undefined)
    return abstract !== undefined ? [`\0${abstract}`] : path ? [path] : []
  })
}

function decodePercent(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Connects to the first socket that accepts a connection. */
export async function openBus(sockets: readonly string[], signal: AbortSignal): Promise<Bus> {
  let failure: unknown = new Error('there is no D-Bus session')
  for (const path of sockets) {
    try {
      return speakOver(await connectTo(path, signal), signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      failure = error
    }
  }
  throw failure
}

function connectTo(path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect(path)
    const abort = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

const BUS = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}

interface Waiting {
  resolve(values: readonly Value[]): void
  reject(error: unknown): void
}

function speakOver(socket: Socket, signal: AbortSignal): Bus {
  const waiting = new Map<number, Waiting>()
  const listeners: ((signal: Signal) => void)[] = []
  let serial = 0
  let received: Buffer = Buffer.alloc(0)
  let isAuthenticated = false
  let ended: unknown

  const end = (reason: unknown) => {
    ended ??= reason
    signal.removeEventListener('abort', abort)
    socket.destroy()
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  const abort = () => end(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  socket.on('error', end)
  socket.on('close', () => end(new Error('the D-Bus session closed the connection')))
  socket.on('data', (chunk) => {
    try {
      received = Buffer.concat([received, chunk])
      if (!isAuthenticated) authenticate()
      while (isAuthenticated && takeMessage());
    } catch (error) {
      end(error)
    }
  })

  /** The bus uses the user of the socket; a named user fails where user namespaces map it differently. */
  function authenticate(): void {
    for (;;) {
      const stop = received.indexOf('\r\n')
      if (stop === -1) return
      const line = received.toString('latin1', 0, stop)
      received = received.subarray(stop + 2)
      if (line.startsWith('REJECTED') || line.startsWith('ERROR'))
        throw new Error('the D-Bus session denied the connection')
      if (line.startsWith('OK')) {
        isAuthenticated = true
        return
      }
    }
  }

  function takeMessage(): boolean {
    const size = messageSize(received)
    if (size === undefined || received.length < size) return false
    const message = decodeMessage(received.subarray(0, size))
    received = received.subarray(size)
    const caller = message.replyTo === undefined ? undefined : waiting.get(message.replyTo)
    if (message.replyTo !== undefined) waiting.delete(message.replyTo)
    if (message.type === RETURN) caller?.resolve(message.body)
    else if (message.type === ERROR)
      caller?.reject(new Error([message.error, message.body[0]].filter(Boolean).join(': ')))
    else if (message.type === SIGNAL) for (const listener of listeners) listener(message)
    return true
  }

  const call: Bus['call'] = (wanted) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      serial += 1
      waiting.set(serial, { resolve, reject })
      socket.write(encodeCall(serial, wanted))
    })

  socket.write('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n', 'latin1')
  // An error of this call is reported by the calls after it.
  call({ ...BUS, member: 'Hello' }).catch(() => undefined)
  return {
    call,
    onSignal: (listener) => void listeners.push(listener),
    close: () => end(new Error('closed')),
  }
}

const CALL = 1
const RETURN = 2
const ERROR = 3
const SIGNAL = 4
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  error: 4,
  replyTo: 5,
  destination: 6,
  signature: 8,
} as const
/** Bytes. A keychain's answer is much smaller; the limit protects the memory. */
const MAX_MESSAGE = 1 << 20

function encodeCall(serial: number, { signature = '', body = [], ...call }: Call): Buffer {
  const values = writeValues(signature, body)
  const field = (code: number, type: string, value: string): Value => [code, { signature: type, value }]
  const fields = [
    field(FIELD.path, 'o', call.path),
    field(FIELD.interface, 's', call.interface),
    field(FIELD.member, 's', call.member),
    field(FIELD.destination, 's', call.destination),
    ...(signature === '' ? [] : [field(FIELD.signature, 'g', signature)]),
  ]
  const head = writeValues('yyyyuua(yv)', ['l'.charCodeAt(0), CALL, 0, 1, values.length, serial, fields])
  return Buffer.concat([head, Buffer.alloc(padding(head.length, 8)), values])
}

interface Message extends Signal {
  type: number
  replyTo: number | undefined
  error: string | undefined
}

/** Returns undefined where the bytes do not include the length yet. */
function messageSize(bytes: Buffer): number | undefined {
  if (bytes.length < 16) return undefined
  const isLittle = bytes[0] === 'l'.charCodeAt(0)
  const read = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const head = 16 + read(12)
  const size = head + padding(head, 8) + read(4)
  if (size > MAX_MESSAGE) throw new Error('a D-Bus message is too long')
  return size
}

function decodeMessage(bytes: Buffer): Message {
  const isLittle = bytes[0] === 'l'.charCodeAt(0)
  const [, type, , , length, , fields] = readValues('yyyyuua(yv)', bytes, isLittle) as [
    number,
    number,
    number,
    number,
    number,
    number,
    [number, Variant][],
  ]
  const found = new Map(fields.map(([code, { value }]) => [code, value]))
  const text = (code: number) => String(found.get(code) ?? '')
  return {
    type,
    path: text(FIELD.path),
    interface: text(FIELD.interface),
    member: text(FIELD.member),
    error: found.get(FIELD.error) as string | undefined,
    replyTo: found.get(FIELD.replyTo) as number | undefined,
    body: readValues(text(FIELD.signature), bytes.subarray(bytes.length - length), isLittle),
  }
}

const padding = (at: number, to: number) => (to - (at % to)) % to

const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  b: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  '(': 8,
  '{': 8,
}

function alignmentOf(type: string): number {
  const found = ALIGNMENT[type[0]!]
  if (found === undefined)
    throw new Error(`a D-Bus message has a value of the type ${type}, which is not known`)
  return found
}

/** Splits a signature into its types: `a{ss}o` into `a{ss}` and `o`. */
function splitTypes(signature: string): string[] {
  const types: string[] = []
  let from = 0
  while (from < signature.length) {
    let to = from
    while (signature[to] === 'a') to += 1
    let depth = 0
    do {
      if ('({'.includes(signature[to]!)) depth += 1
      if (')}'.includes(signature[to]!)) depth -= 1
      to += 1
    } while (depth > 0 && to < signature.length)
    types.push(signature.slice(from, to))
    from = to
  }
  return types
}

function writeValues(signature: string, values: readonly Value[]): Buffer {
  const bytes: number[] = []
  const align = (to: number) => {
    while (bytes.length % to !== 0) bytes.push(0)
  }
  const writeNumber = (value: number) =>
    bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24)
  const write = (type: string, value: Value): void => {
    align(alignmentOf(type))
    const inner = type.slice(1)
    if (type === 'y') bytes.push(value as number)
    else if (type === 'u' || type === 'b') writeNumber(Number(value))
    else if (type === 's' || type === 'o' || type === 'g') {
      const text = Buffer.from(value as string)
      if (type === 'g') bytes.push(text.length)
      else writeNumber(text.length)
      bytes.push(...text, 0)
    } else if (type === 'v') {
      const { signature: of, value: content } = value as Variant
      write('g', of)
      write(of, content)
    } else if (type.startsWith('a')) {
      const at = bytes.length
      writeNumber(0)
      align(alignmentOf(inner))
      const begin = bytes.length
      for (const each of value as Iterable<Value>) write(inner, each)
      const length = bytes.length - begin
      for (const [index, shift] of [0, 8, 16, 24].entries()) bytes[at + index] = (length >>> shift) & 255
    } else writeAll(inner.slice(0, -1), value as readonly Value[])
  }
  const writeAll = (types: string, all: readonly Value[]) => {
    for (const [index, type] of splitTypes(types).entries()) write(type, all[index]!)
  }
  writeAll(signature, values)
  return Buffer.from(bytes)
}

function readValues(signature: string, bytes: Buffer, isLittle: boolean): Value[] {
  let at = 0
  const readNumber = () => {
    const value = isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
    at += 4
    return value
  }
  const readText = (length: number) => {
    if (at + length >= bytes.length) throw new Error('a D-Bus message ends too soon')
    const text = bytes.toString('utf8', at, at + length)
    at += length + 1
    return text
  }
  const read = (type: string): Value => {
    at += padding(at, alignmentOf(type))
    const inner = type.slice(1)
    if (type === 'y') return bytes.readUInt8(at++)
    if (type === 'u') return readNumber()
    if (type === 'b') return readNumber() !== 0
    if (type === 's' || type === 'o') return readText(readNumber())
    if (type === 'g') return readText(bytes.readUInt8(at++))
    if (type === 'v') {
      const of = read('g') as string
      return { signature: of, value: read(of) }
    }
    if (type.startsWith('a')) {
      const length = readNumber()
      at += padding(at, alignmentOf(inner))
      const end = at + length
      if (end > bytes.length) throw new Error('a D-Bus message ends too soon')
      if (inner === 'y') {
        at = end
        return bytes.subarray(end - length, end)
      }
      const values: Value[] = []
      while (at < end) values.push(read(inner))
      return values
    }
    return splitTypes(inner.slice(0, -1)).map(read)
  }
  return splitTypes(signature).map(read)
}
