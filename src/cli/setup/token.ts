/** The common parts of the setups for tools that need a token. */
import { DaypassError } from '../../core/errors.ts'
import type { SetupTool } from './tool.ts'

export const restrictToTokens = (tool: string): Pick<SetupTool, 'ofTheEnvironment' | 'refuses'> => ({
  ofTheEnvironment: new DaypassError('usage', 'a token of the environment is gone with it', {
    advice: { verb: 'setup', args: [tool], identity: '<identity>' },
  }),
  refuses(identity, { provider }) {
    if (provider.keys === undefined) return undefined
    return new DaypassError('usage', `${identity} has keys of ${provider.title}, and ${tool} wants a token`, {
      hint: (command) => `${command({ verb: 'list' })} shows who there is`,
    })
  },
})
