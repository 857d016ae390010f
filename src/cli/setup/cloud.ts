/** The common parts of the setups for all clouds. */
import { DaypassError } from '../../core/errors.ts'
import type { KeysCredential } from '../../core/types.ts'
import type { SetupTool } from './tool.ts'

type Cloud = KeysCredential['cloud']

export const restrictToCloud = (
  cloud: Cloud,
  title: string,
): Pick<SetupTool, 'ofTheEnvironment' | 'refuses'> => ({
  ofTheEnvironment: new DaypassError(
    'usage',
    `the keys of the environment are read by the ${title} tools themselves`,
    { advice: { verb: 'setup', args: [cloud], identity: '<identity>' } },
  ),
  refuses(identity, { provider }) {
    if (provider.keys?.cloud === cloud) return undefined
    return new DaypassError('usage', `${identity} is an identity of ${provider.title}, not of ${title}`, {
      hint: (command) =>
        `${command({ verb: 'login', args: [cloud] })}, then: ${command({ verb: 'setup', args: [cloud], identity: cloud })}`,
    })
  },
})
