import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { loadConfig } from '../config/load.ts'
import { isIdentityName } from '../core/names.ts'
import { resolvePaths } from '../platform/paths.ts'
import { builtIn } from '../providers/index.ts'
import { diskStore } from '../vault/disk.ts'

/**
 * Adds `completion SHELL` and the hidden verb that its scripts call at each Tab. Only the hidden verb looks
 * up the names of identities. They are file names, so no key is needed.
 */
export async function addCompletion(root: CommandUnknownOpts, words: readonly string[]): Promise<void> {
  const asking = words[0] === 'complete'
  if (!asking && !words.some((word) => COMPLETION_WORDS.includes(word))) return
  const { default: tab } = await import('@bomb.sh/tab/commander')
  const completion = tab(root as never, { completionCommandName: 'completion' })
  root.commands.find((command) => command.name() === 'completion')?.description(ABOUT)
  if (!asking) return
  const identities = await readIdentityNames()
  const providers = Object.values(builtIn)
  for (const [verb, command] of completion.commands) {
    for (const argument of command.arguments.values()) {
      argument.handler = (complete) => {
        for (const name of identities) complete(name, 'identity')
        if (verb === 'login') for (const { id, title } of providers) complete(id, title)
      }
    }
  }
}

/** Loading it costs 20 ms, so it is loaded only where it is used or listed. */
const COMPLETION_WORDS = ['completion', 'help', '--help', '-h']
const ABOUT = 'shell completion, the names of identities included: source <(daypass completion bash)'

async function readIdentityNames(): Promise<string[]> {
  const { vault, config } = resolvePaths(process.env, process.platform)
  try {
    const kept = (await diskStore(vault).names()).filter((name) => !name.startsWith('__'))
    const configured = Object.keys(loadConfig(config).auth?.identities ?? {})
    return [...new Set([...kept, ...configured])].filter(isIdentityName)
  } catch {
    // Completion must not print errors.
    return []
  }
}
