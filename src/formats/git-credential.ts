/** git's credential helper protocol: https://git-scm.com/docs/git-credential#IOFMT */
import { DaypassError } from '../core/errors.ts'
import type { BearerCredential } from '../core/types.ts'
import { isKeyBound } from './token.ts'

/** Values by name, in order. Names that end with `[]` have several values, others one. */
export type Attributes = ReadonlyMap<string, readonly string[]>

/**
 * Parses lines of `name=value` up to an empty one. Throws for lines that git itself never sends: they may be
 * an injection (CVE-2020-5260, CVE-2024-50338).
 */
export function parseAttributes(text: string): Attributes {
  const attributes = new Map<string, string[]>()
  const lines = text.split('\n')
  const end = lines.indexOf('')
  for (const line of end === -1 ? lines : lines.slice(0, end)) {
    const at = line.indexOf('=')
    if (at < 1 || /[\r\0]/.test(line)) throw createBadAttributesError(line)
    const [name, value] = [line.slice(0, at), line.slice(at + 1)]
    const before = attributes.get(name)
    if (!name.endsWith('[]') && before) throw createBadAttributesError(line)
    // "An empty multi-valued attribute acts to clear any previous entries."
    const isReset = name.endsWith('[]') && value === ''
    attributes.set(name, isReset ? [] : [...(before ?? []), value])
  }
  return attributes
}

/** Creates an error that omits the value, which may be a secret. */
function createBadAttributesError(line: string): DaypassError {
  const what = /[\r\0]/.test(line) ? 'a carriage return or a NUL' : 'a line that is no name=value of its own'
  return new DaypassError('usage', `git does not ask like that: ${what}`, {
    hint: (command) => `this is for git to call: ${command({ verb: 'setup', args: ['git'] })}`,
  })
}

export interface GitCredentialContext {
  user: string
  /** Only a user and a password are accepted. */
  isFixed: boolean
  asked: Attributes
  clockOffset?: number | undefined
}

/** Formats the answer to `get`: one name and value per line. */
export function formatGitCredential(credential: BearerCredential, context: GitCredentialContext): string {
  const { user, isFixed, asked, clockOffset = 0 } = context
  if (isKeyBound(credential))
    throw new DaypassError('usage', 'the token is bound to a key, and git cannot prove that it has that', {
      hint: 'log in without DPoP: dpop_bound_access_tokens: false',
    })
  const token = assertOneLine(credential.token.reveal())
  const { expiresAt } = credential
  const answer =
    !isFixed && canUseBearer(asked)
      ? ['capability[]=authtype', 'authtype=Bearer', `credential=${token}`, 'ephemeral=1']
      : [`username=${user}`, `password=${token}`]
  // By this machine's clock, which git compares it with.
  if (expiresAt !== undefined)
    answer.push(`password_expiry_utc=${Math.floor((expiresAt - clockOffset) / 1000)}`)
  return answer.join('\n')
}

function assertOneLine(token: string): string {
  if (!/[\n\r\0]/.test(token)) return token
  throw new DaypassError('refused', 'the token has a line break in it, and git would read two answers', {
    hint: 'log in again, or report it to whoever runs the server',
  })
}

/** Returns whether git takes a bearer token: from git 2.46 on, where the server needs no password. */
function canUseBearer(asked: Attributes): boolean {
  const challenges = asked.get('wwwauth[]') ?? []
  const offers = (scheme: string) =>
    challenges.some((each) => new RegExp(`(?:^|,)\\s*${scheme}(?:\\s|,|$)`, 'i').test(each))
  return (asked.get('capability[]') ?? []).includes('authtype') && offers('bearer') && !offers('basic')
}
