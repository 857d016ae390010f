/** Reads the words of a command line: their order, and the errors that commander reports. */
import type { CommanderError } from 'commander'
import { type Advice, DaypassError } from '../core/errors.ts'

/** Rewrites `daypass auth list` and `daypass --json list` to `daypass list` and `daypass list --json`. */
export function normalizeArgv(argv: readonly string[]): string[] {
  const words = moveVerbFirst(argv)
  return words[0] === 'auth' ? moveVerbFirst(words.slice(1)) : words
}

/** Separates the words after `--` of `exec`: they belong to another program and are not parsed here. */
export function splitCommand(words: readonly string[]): { words: string[]; command?: string[] } {
  const stop = words[0] === 'exec' ? words.indexOf('--') : -1
  return stop === -1 ? { words: [...words] } : { words: words.slice(0, stop), command: words.slice(stop + 1) }
}

/** Converts an error of commander to ours. */
export function createUsageError(
  error: CommanderError,
  root: CommandNode,
  words: readonly string[],
): DaypassError {
  const [message, ...more] = stripValue(error.message).split('\n')
  const verb = findVerbPath(root, words).join(' ')
  const advice: Advice = verb === '' ? { verb: '--help' } : { verb, flags: ['--help'] }
  if (error.code !== 'commander.help')
    return new DaypassError('usage', message!.replace(/\.$/, ''), {
      hint: (command) => [...more, command(advice)].filter(Boolean).join('\n'),
    })
  const [asked, unknown] = words
  return asked === 'help' && unknown !== undefined
    ? new DaypassError('usage', `unknown command '${unknown}'`, { advice })
    : new DaypassError('usage', 'no command was given', { advice })
}

/** The value after `=` of an unknown option may be a secret. */
const stripValue = (message: string) =>
  message.replace(/^error: /, '').replace(/^(unknown option '-[^'=]*)=.*?'$/ms, "$1'")

interface CommandNode {
  name(): string
  alias(): string
  readonly commands: readonly CommandNode[]
}

/** Returns the verbs that these words lead to, such as `config path`. */
function findVerbPath(root: CommandNode, words: readonly string[]): string[] {
  const verbs: string[] = []
  let at = root
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word || command.alias() === word)
    if (!next) break
    verbs.push(next.name())
    at = next
  }
  return verbs
}

const COMMON = new Set(['--json', '-v', '--verbose', '-q', '--quiet', '--no-input'])
const COMMON_WITH_VALUE = new Set(['-i', '--identity', '--profile', '--api-url'])

/** Moves the verb before the flags that every verb has. */
function moveVerbFirst(argv: readonly string[]): string[] {
  let end = 0
  while (end < argv.length) {
    const word = argv[end]!
    if (COMMON_WITH_VALUE.has(word)) end += 2
    else if (COMMON.has(word) || /^--(identity|profile|api-url)=/.test(word)) end += 1
    else break
  }
  const rest = argv.slice(end)
  const stop = rest.includes('--') ? rest.indexOf('--') : rest.length
  return [...rest.slice(0, stop), ...argv.slice(0, end), ...rest.slice(stop)]
}
