import { type Command, Option } from '@commander-js/extra-typings'
import { DaypassError } from '../core/errors.ts'

/** Flags that every verb has. */
export interface CommonFlags {
  json?: boolean | undefined
  verbose?: boolean | undefined
  quiet?: boolean | undefined
  /** `--no-input`. */
  input?: boolean | undefined
  identity?: string | undefined
  profile?: string | undefined
}

export function common(command: Command) {
  return command
    .option('-i, --identity <name>', 'the identity', once)
    .addOption(new Option('--profile <name>', 'same as --identity').argParser(once).hideHelp())
    .option('--json', 'one JSON object on standard output')
    .option('-q, --quiet', 'only warnings and errors')
    .option('-v, --verbose', 'say why')
    .option('--no-input', 'ask nothing')
}

/** By position or by flag; twice is a mistake, even with the same name. */
export function selected(
  position: string | undefined,
  { identity, profile }: CommonFlags,
): string | undefined {
  const given = [position, identity, profile].filter((name) => name !== undefined)
  if (given.length <= 1) return given[0]
  throw selectedTwice(given)
}

function once(name: string, before: string | undefined): string {
  if (before === undefined) return name
  throw selectedTwice([before, name])
}

const selectedTwice = (names: readonly string[]) =>
  new DaypassError('usage', `an identity was selected twice: ${names.join(' and ')}`, {
    hint: 'name it once, by position or with -i',
  })
