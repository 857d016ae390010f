import { findProgram } from './find-program.ts'
import type { Argv, OpenOptions } from './opener.ts'

/** Parses `$BROWSER`: commands separated by `:` (`;` on Windows), in order, without those that cannot run. */
export function parseBrowserList(list: string, href: string, options: OpenOptions): Argv[] {
  const separator = options.platform === 'win32' ? ';' : ':'
  return splitUnquoted(list, (character) => character === separator).flatMap((item) =>
    parseBrowserCommand(item, href, options),
  )
}

/** Parses one command: `firefox`, `firefox -P work %s`, or the path of a program with spaces. */
export function parseBrowserCommand(command: string, href: string, options: OpenOptions): Argv[] {
  const whole = findProgram(stripQuotes(command.trim()), options)
  const [name = '', ...rest] = whole ? [command] : splitArguments(command)
  const program = whole ?? findProgram(name, options)
  if (program === undefined || isBatchFile(program)) return []
  const filled = rest.map((argument) => argument.replaceAll('%s', () => href))
  return [[program, ...filled, ...(rest.some((argument) => argument.includes('%s')) ? [] : [href])]]
}

/** Returns true for a batch file: `cmd.exe` parses its arguments again, so quoting cannot protect them. */
function isBatchFile(program: string): boolean {
  return /\.(cmd|bat)[. ]*$/i.test(program)
}

function splitArguments(command: string): string[] {
  const parts = splitUnquoted(command, (character) => /\s/.test(character)).map(stripQuotes)
  // Python's `webbrowser` takes a final `&` for "in the background", which ours always are.
  return parts.at(-1) === '&' ? parts.slice(0, -1) : parts
}

/** Splits at characters outside quotes that `separates` accepts. Drops empty pieces, keeps quotes. */
function splitUnquoted(text: string, separates: (character: string) => boolean): string[] {
  const pieces = ['']
  let quote = ''
  for (const character of text) {
    if (quote === '' && separates(character)) {
      pieces.push('')
      continue
    }
    if (quote === character) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    pieces.push(`${pieces.pop()}${character}`)
  }
  return pieces.filter((piece) => piece.trim() !== '')
}

function stripQuotes(text: string): string {
  return text.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? '')
}
