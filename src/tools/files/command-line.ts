/**
 * A program and its arguments as one line of a profile. It has two kinds of readers: those that hand it to a
 * shell (`sh -c`, `cmd /c`), and Python, which splits it itself by the rules of shlex, or on Windows by those of the C
 * runtime. And before them come INI parsers, for which ` #` and ` ;` begin a comment wherever they stand.
 */
import { DaypassError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'

export function formatCommandLine(
  words: readonly string[],
  platform: NodeJS.Platform = process.platform,
): string {
  const quote = platform === 'win32' ? quoteForWindows : quoteForShell
  return words.map(quote).join(' ')
}

function quoteForShell(word: string): string {
  if (/[\x00-\x1f\x7f]/.test(word)) throw createUnwritableError(word)
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  // In the end nothing, for every reader but the INI parser, which sees no white space before the sign.
  const pieces = word.replaceAll("'", `'"'"'`).replace(/\s(?=[#;])/g, "$&''")
  return `'${pieces}'`
}

/** `cmd` puts variables in even between quotes, and inside of those the two know no common way to write a quote. */
function quoteForWindows(word: string): string {
  if (/[\x00-\x1f\x7f"%]|\s[#;]|\\$/.test(word)) throw createUnwritableError(word)
  return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word}"`
}

function createUnwritableError(word: string): DaypassError {
  return new DaypassError(
    'usage',
    `"${sanitize(word)}" cannot be written into a profile as every tool reads it`,
    {
      hint: 'install daypass, and Node, in folders of plain letters',
    },
  )
}

/** A line as `setup` writes it: our program, and the verb and the identity for its last two words. */
export const isOwnCommand = (line: string) =>
  /(?:daypass|cli\.cjs).*\scredential-process\s+['"]?[\w.@-]+['"]?$/.test(line)
