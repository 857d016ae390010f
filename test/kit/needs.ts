import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import type { TestContext } from 'vitest'

const installed = (command: string): boolean =>
  isAbsolute(command)
    ? existsSync(command)
    : (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)))

/** Skips the test where a command is missing, with a reason that the closing report repeats. */
export function needs(context: Pick<TestContext, 'skip'>, ...commands: string[]): void {
  const missing = commands.filter((command) => !installed(command))
  if (missing.length > 0) context.skip(`not installed: ${missing.join(', ')}`)
}
