import { formatCommand } from '../../core/errors.ts'
/** Sets up the profile of Alibaba Cloud's CLI and SDKs. */
import { resolveAliyunConfigPath } from '../../tools/alibaba/config-file.ts'
import { createAliyunSetup, undoAliyunSetup } from '../../tools/alibaba/setup.ts'
import { restrictToCloud } from './cloud.ts'
import { buildOwnCommand, type SetupTarget, type SetupTool } from './tool.ts'

export const setupAlibaba: SetupTool = {
  thing: 'Profile',
  flags: ['as'],
  ...restrictToCloud('alibaba', 'Alibaba Cloud'),
  setup: ({ host }, { identity, definition, flags }) =>
    createAliyunSetup(
      {
        profile: flags.as ?? identity,
        identity,
        force: flags.force,
        region: definition.params.region,
        command: buildOwnCommand('credential-process', identity),
      },
      resolveAliyunConfigPath(host.env),
    ),
  startsDaypass: () => true,
  undo: undoAliyunSetup,
  formatAdvice: ({ place, path }, wanted) => [
    `Alibaba Cloud's SDKs write the keys that they are given into ${path}, in clear; aliyun itself does not.`,
    `Programs that use an SDK leave nothing there with: ${formatExecCommand(wanted)}`,
    `Try it: aliyun --profile ${place} sts GetCallerIdentity`,
  ],
}

const formatExecCommand = (wanted: SetupTarget) =>
  formatCommand({
    verb: 'exec',
    identity: wanted.identity,
    flags: [...(hasLastingKeys(wanted) ? [] : ['--endpoint']), '--', 'PROGRAM'],
  })

/** Returns whether the keys never expire; no endpoint serves those. */
const hasLastingKeys = ({ definition, header }: SetupTarget) =>
  definition.keys !== undefined || (header?.method === 'keys' && header.expiresAt === undefined)
