import { Command, Option } from '@commander-js/extra-typings'
import type { Daypass } from '../client/index.ts'
import { DaypassError } from '../core/errors.ts'
import { IDENTITY, JSON_OUTPUT } from './token-flags.ts'

export interface CommonFlags {
  json?: boolean | undefined
  verbose?: boolean | undefined
  quiet?: boolean | undefined
  /** The flag `--no-input`. */
  input?: boolean | undefined
  identity?: string | undefined
  profile?: string | undefined
  apiUrl?: string | undefined
}

/** Selects the identity. `login` shows this flag, because there it is also a parameter. */
const API = new Option('--api-url <url>', 'the identity of this API').argParser(parseOnce).hideHelp()

/** Creates a command with the flags that every verb has. */
export const createVerbCommand = (name: string, api = API) =>
  new Command(name)
    .option(IDENTITY.flags, IDENTITY.about, parseOnce)
    .addOption(new Option('--profile <name>', 'same as --identity').argParser(parseOnce).hideHelp())
    .addOption(api)
    .option(JSON_OUTPUT.flags, JSON_OUTPUT.about)
    .option('-q, --quiet', 'only warnings and errors')
    .option('-v, --verbose', 'say why')
    .option('--no-input', 'ask nothing')

/** Returns the identity given by position or by flag. Throws `usage` for both, even with the same name. */
export function resolveSelected(
  position: string | undefined,
  { identity, profile }: CommonFlags,
): string | undefined {
  const given = [position, identity, profile].filter((name) => name !== undefined)
  if (given.length <= 1) return given[0]
  throw createSelectedTwiceError(given)
}

/** Replaces `--api-url` with the name of its identity. */
export async function resolveByApi(flags: CommonFlags, daypass: Pick<Daypass, 'identityAt'>): Promise<void> {
  const { apiUrl, identity, profile } = flags
  if (apiUrl === undefined) return
  const named = identity ?? profile
  if (named !== undefined) throw createSelectedTwiceError([named, '--api-url'])
  flags.identity = await daypass.identityAt(apiUrl)
}

function parseOnce(name: string, before: string | undefined): string {
  if (before === undefined) return name
  throw createSelectedTwiceError([before, name])
}

const createSelectedTwiceError = (names: readonly string[]) =>
  new DaypassError('usage', `an identity was selected twice: ${names.join(' and ')}`, {
    hint: 'name it once, by position or with -i',
  })
