import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { CredentialResult } from '../../client/credential.ts'
import { DaypassError, type ErrorCode, type ErrorDetails, isDaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { createUnreachableError } from '../../oauth/http.ts'
import { writeAuditLine } from '../audit-line.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { withLogin } from '../login/on-demand.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createFetchCommand = ({ run }: Runner) =>
  createVerbCommand('fetch')
    .description('one HTTP request with the token of an identity, only towards its own hosts')
    .argument('<url>', 'where to: https://api.example.com/me')
    .argument('[identity]', 'which')
    .option('-X, --method <method>', 'default: GET, with data POST')
    .option('-H, --header <line>', 'a header, like "Accept: text/csv"; several times', collectHeader)
    .option('-d, --data <data>', 'what to send: text, @file, or @- for standard input')
    .option('-o, --output <file>', 'write the answer there')
    .option('--include', 'the status and the headers of the answer, too')
    .addHelpText('after', HELP)
    .action((url, identity, flags) =>
      run(flags, 'fetch', (world) => runFetch(world, url, resolveSelected(identity, flags), flags)),
    )

const collectHeader = (line: string, before: readonly string[] = []) => [...before, line]

const HELP = `
The hosts of an identity are those of its API and of its login, or hosts: of config.yaml. A token that the
server refuses is renewed once. Redirects are followed; to another origin they go without the token, the data
and your headers. Data that is JSON is sent as application/json, other as a form, unless -H says otherwise.
Keys of a cloud do not go with a request: daypass exec -- CMD.

The answer is printed as it comes, whatever it is, and the exit code tells of it: 2xx and 3xx are 0, 401 is
4, 403 is 6, 408, 425, 429 and 5xx are 5, other 4xx are 1. With --json, what goes wrong is told as JSON.`

interface FetchFlags {
  method?: string | undefined
  header?: readonly string[] | undefined
  data?: string | undefined
  output?: string | undefined
  include?: boolean | undefined
}

/** Sends one request with the identity's token. Prints the answer, even a refusal. */
async function runFetch(
  world: CommandContext,
  address: string,
  selected: string | undefined,
  flags: FetchFlags,
): Promise<CommandResult> {
  const { daypass, signal } = world
  const url = parseAddress(address)
  const request = await buildFetchRequest(url, flags, signal)
  const handed = await withLogin(world, selected, () => daypass.getCredential(selected))
  if (handed.credential.kind !== 'bearer') throw createKeysSignError(handed, selected)
  const answer = await daypass
    .fetch(selected, ({ identity }) => writeAuditLine(world, identity, url.host))(request)
    .catch((error: unknown) => {
      throw signal.aborted || isDaypassError(error) ? error : createUnreachableError(url, error)
    })
  const body = streamBody(answer, flags.include ?? false, signal)
  const error = findAnswerError(answer, url, handed)
  if (flags.output !== undefined && flags.output !== '-') await writeBodyToFile(flags.output, body)
  return { ...((flags.output ?? '-') === '-' && { body }), ...(error && { error }) }
}

function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new DaypassError(
      'usage',
      `${address.includes('@') ? 'that' : JSON.stringify(address.slice(0, 80))} is no address`,
      {
        hint: (command) =>
          `write it whole: ${command({ verb: 'fetch', args: ['https://api.example.com/me'] })}`,
      },
    )
  if (url.username || url.password)
    throw new DaypassError('usage', 'the address has a user or a password in it', {
      hint: 'leave them out: the token is sent',
    })
  return url
}

const createKeysSignError = ({ identity }: CredentialResult, selected: string | undefined) =>
  new DaypassError('usage', `${identity} has keys, and requests are signed with them by their own tools`, {
    advice: { verb: 'exec', identity: identity.startsWith('(') ? selected : identity, flags: ['--', 'CMD'] },
  })

async function buildFetchRequest(url: URL, flags: FetchFlags, signal: AbortSignal): Promise<Request> {
  const headers = parseHeaderLines(flags.header ?? [])
  const body = flags.data === undefined ? undefined : await readData(flags.data)
  if (body && !headers.has('content-type')) headers.set('content-type', detectContentType(body))
  const method = flags.method?.toUpperCase() ?? (body ? 'POST' : 'GET')
  try {
    // Raw bytes are detached once they are sent, and a 307 needs them again (undici: "detached ArrayBuffer").
    return new Request(url, { method, headers, signal, ...(body && { body: new Blob([body]) }) })
  } catch (cause) {
    throw new DaypassError('usage', `there can be no such request: ${method}${body ? ' with data' : ''}`, {
      advice: { verb: 'fetch', flags: ['--help'] },
      cause,
    })
  }
}

/** Node's fetch drops the other headers silently, or fails on them. */
const OWN_HEADERS = /^(authorization|host|content-length|transfer-encoding|expect|upgrade|keep-alive)$/i

function parseHeaderLines(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) {
    const [, name = '', value = ''] = line.match(/^([^:]+):(.*)$/s) ?? []
    // The value may be a secret.
    if (OWN_HEADERS.test(name.trim()))
      throw new DaypassError('usage', `the ${name.trim()} header is for daypass to write`, {
        hint: 'leave it out, or use curl',
      })
    try {
      headers.append(name.trim(), value.trim())
    } catch (cause) {
      throw new DaypassError('usage', 'a header is not written as one', {
        hint: 'like -H "Accept: application/json"',
        cause,
      })
    }
  }
  return headers
}

type Bytes = Uint8Array<ArrayBuffer>

/** Reads `@file`, `@-` for standard input, or the text itself, as bytes. */
async function readData(said: string): Promise<Bytes> {
  if (!said.startsWith('@')) return Buffer.from(said)
  if (said === '@-') return readStandardInput()
  const path = said.slice(1)
  try {
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw new DaypassError('not_found', `${path} cannot be read (${getErrorCode(cause)})`, {
      hint: 'text of your own goes without the @, standard input is -d @-',
      cause,
    })
  }
}

async function readStandardInput(): Promise<Bytes> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Returns curl's default content type, or JSON where the body is JSON. */
function detectContentType(body: Bytes): string {
  const text = new TextDecoder().decode(body)
  try {
    if (/^\s*[[{]/.test(text) && JSON.parse(text)) return 'application/json'
  } catch {
    // The body is not JSON.
  }
  return 'application/x-www-form-urlencoded'
}

async function* streamBody(
  answer: Response,
  include: boolean,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (include) yield Buffer.from(formatHead(answer))
  if (!answer.body) return
  try {
    yield* answer.body as unknown as AsyncIterable<Uint8Array>
  } catch (cause) {
    signal.throwIfAborted()
    const { host } = new URL(answer.url)
    throw new DaypassError('network', `the answer of ${host} broke off`, { hint: 'try again', cause })
  }
}

const formatHead = ({ status, statusText, headers }: Response) =>
  [`HTTP/1.1 ${status} ${statusText}`, ...[...headers].map((pair) => pair.join(': ')), '', ''].join('\r\n')

/** Returns the error for the exit code of an answer, or undefined if all is well. */
function findAnswerError(answer: Response, asked: URL, handed: CredentialResult): DaypassError | undefined {
  const code = findErrorCode(answer.status)
  if (code === undefined) return undefined
  const { host, origin } = new URL(answer.url)
  const elsewhere = origin !== asked.origin
  const words = [`${host} answered ${answer.status}`, sanitize(answer.statusText)].filter(Boolean).join(' ')
  if (elsewhere)
    return new DaypassError(code === 'login_required' ? 'refused' : code, `${words}; ${REDIRECTED}`)
  return new DaypassError(code, words, adviseNextStep(code, answer, handed))
}

const REDIRECTED = 'the request was redirected there, where the token does not go'

function findErrorCode(status: number): ErrorCode | undefined {
  if (status < 400) return undefined
  if (status === 401) return 'login_required'
  if (status === 403) return 'refused'
  return status >= 500 || [408, 425, 429].includes(status) ? 'network' : 'request'
}

function adviseNextStep(
  code: ErrorCode,
  { headers }: Response,
  { identity, variable }: CredentialResult,
): ErrorDetails {
  if (code === 'login_required')
    return variable === undefined
      ? { advice: { verb: 'login', identity } }
      : { hint: `it is the token of ${variable}` }
  if (code === 'refused') return { hint: `it may want other permissions than ${identity} has` }
  if (code !== 'network') return {}
  const after = headers.get('retry-after') ?? ''
  return { hint: /^\d{1,6}$/.test(after) ? `try again in ${after} s` : 'try again in a while' }
}

async function writeBodyToFile(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = runFileOperation(path, () => openSync(path, 'w'))
  try {
    for await (const chunk of body)
      for (let at = 0; at < chunk.length; ) at += runFileOperation(path, () => writeSync(handle, chunk, at))
  } finally {
    closeSync(handle)
  }
}

function runFileOperation<T>(path: string, deed: () => T): T {
  try {
    return deed()
  } catch (cause) {
    throw new DaypassError('not_found', `${path} cannot be written (${getErrorCode(cause)})`, {
      hint: 'name another file: -o FILE',
      cause,
    })
  }
}

const getErrorCode = (error: unknown) => (error as NodeJS.ErrnoException).code
