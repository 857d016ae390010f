/**
 * Runs a readable script of commands and what they print, in the manner of testscript:
 *
 *     # The vault is empty.
 *     $ daypass list
 *     No identities yet...
 *     [stderr] next: daypass login ...
 *     [exit 0]
 *
 * Output follows its command: plain lines are stdout, `[stderr] …` lines are stderr, in order. `...` within a line
 * stands for any text, alone on a line for any lines. `< text` lines are standard input. `[exit N]` is the exit
 * code, 0 where it is not said. `$ NAME=value` sets a variable of the environment, `${NAME}` is replaced anywhere.
 * Where a command says nothing about stderr, stderr is not compared; stdout always is.
 */
import { type Result, type Sandbox, sandbox } from './cli.ts'

interface Step {
  line: number
  words: string[]
  input: string
  stdout: string[]
  stderr: string[]
  exit: number
}

/** Words as a shell splits them: quotes group, a backslash escapes outside single quotes. */
export function splitWords(text: string): string[] {
  const words = text.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g) ?? []
  return words.map((word) =>
    word.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single, double, escaped) => {
      return single ?? double?.replace(/\\(.)/g, '$1') ?? escaped
    }),
  )
}

function addLine(step: Step, line: string): void {
  const exit = line.match(/^\[exit (\d+)\]$/)
  if (exit) step.exit = Number(exit[1])
  else if (line.startsWith('< ')) step.input += `${line.slice(2)}\n`
  else if (line.startsWith('[stderr]')) step.stderr.push(line.slice(8).replace(/^ /, ''))
  else step.stdout.push(line)
}

function parseScript(text: string, variables: Readonly<Record<string, string>>): Step[] {
  const known: Record<string, string> = { ...variables }
  const steps: Step[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\$\{(\w+)\}/g, (whole, name) => known[name] ?? whole)
    const variable = line.match(/^\$ ([A-Z_]+)=(\S*)$/)
    if (variable) known[variable[1]!] = variable[2]!
    if (/^\s*(#|$)/.test(line)) continue
    if (line.startsWith('$ ')) {
      const words = splitWords(line.slice(2))
      steps.push({ line: index + 1, words, input: '', stdout: [], stderr: [], exit: 0 })
    } else if (steps.length > 0) addLine(steps.at(-1)!, line)
    else throw new Error(`line ${index + 1}: text before the first command`)
  }
  return steps
}

/** Does the text match the lines, where `...` stands for anything? Blank lines do not count. */
export function matches(expected: readonly string[], actual: string): boolean {
  const quoted = (line: string) =>
    line.split('...').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  const lines = expected.map((line) =>
    line === '...' ? '(?:[^\n]*\n)*?' : `${quoted(line).join('[^\n]*')}\n`,
  )
  const text = actual.split('\n').filter((line) => line.trim() !== '')
  return new RegExp(`^${lines.join('')}$`).test(text.map((line) => `${line.trimEnd()}\n`).join(''))
}

function complaint(step: Step, { code, signal, stdout, stderr }: Result): string | undefined {
  const shown = `\n--- stdout\n${stdout}--- stderr\n${stderr}`
  if (code !== step.exit) return `exit ${code ?? signal}, expected ${step.exit}${shown}`
  if (!matches(step.stdout, stdout)) return `stdout is not\n${step.stdout.join('\n')}${shown}`
  const silent = step.stderr.length === 0
  return silent || matches(step.stderr, stderr)
    ? undefined
    : `stderr is not\n${step.stderr.join('\n')}${shown}`
}

function runStep(box: Sandbox, step: Step, env: Record<string, string>): Promise<Result> {
  const [program = '', ...args] = step.words
  const options = { input: step.input, env }
  if (program === 'daypass') return box.run(args, options)
  return box.run(args, { ...options, program: [program === 'node' ? process.execPath : program] })
}

/** Runs the script in a sandbox of its own; throws at the first command that does otherwise than it says. */
export async function runScript(
  text: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  const box = sandbox()
  const env: Record<string, string> = {}
  try {
    for (const step of parseScript(text, { HOME: box.home, ...variables })) {
      const variable = step.words.length === 1 ? step.words[0]!.match(/^([A-Z_]+)=(.*)$/s) : null
      if (variable) env[variable[1]!] = variable[2]!
      else {
        const problem = complaint(step, await runStep(box, step, env))
        if (problem) throw new Error(`line ${step.line}: $ ${step.words.join(' ')}\n${problem}`)
      }
    }
  } finally {
    await box.remove()
  }
}
