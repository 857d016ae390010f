import { formatCommand, isDaypassError } from '../../core/errors.ts'
import { formatJson } from '../../core/json.ts'
import { hidePasswords } from '../../core/text.ts'
import { cleanForTerminal } from '../../platform/terminal.ts'
import type { Paint } from './text.ts'

/**
 * Formats what happened and the next command to type, as text or as one object with `--json`. `oneLine`: for
 * a program that shows it within its own message.
 */
export function formatErrorText(
  error: unknown,
  json: boolean,
  debug: boolean,
  paint: Paint,
  oneLine = false,
): string {
  const { code, message, hint } = describeError(error)
  if (json) return `${formatJson({ error: { code, message, ...(hint && { hint }) } })}\n`
  const hints = hint?.split('\n') ?? []
  // Paths may contain line breaks.
  const what = `${paint('red', 'error:')} ${message.replace(/[\r\n]+/g, ' ')}`
  const lines = oneLine
    ? [[what, ...(hint ? [`next: ${hints.join(', ')}`] : [])].join('; ')]
    : [what, ...hints.map((line) => `  ${line}`)]
  if (debug) lines.push(...formatTrace(error))
  return cleanForTerminal(`${lines.join('\n')}\n`)
}

function describeError(error: unknown): { code: string; message: string; hint?: string | undefined } {
  if (isDaypassError(error)) {
    const hint = error.hintWith(formatCommand)
    return { code: error.code, message: hidePasswords(error.message), hint: hint && hidePasswords(hint) }
  }
  return {
    code: 'unexpected',
    message: `unexpected failure (${error instanceof Error ? error.name : typeof error})`,
    hint: 'run it again with DAYPASS_DEBUG=1 and report what it prints',
  }
}

/** Returns stacks and messages, never properties: a library's error may hold the whole answer of a server. */
function formatTrace(error: unknown): string[] {
  const lines: string[] = []
  for (let at = error; at instanceof Error && lines.length < 5; at = at.cause)
    lines.push(at.stack ?? at.message)
  return lines
}
