import { formatCommand } from '../../core/errors.ts'
/** The profile of Alibaba Cloud's command line and SDKs. */
import { aliyunConfigPath } from '../../tools/alibaba/config-file.ts'
import { aliyunSetup, takeBackAliyun } from '../../tools/alibaba/setup.ts'
import { forIdentitiesOf } from './cloud.ts'
import { ourProgram, type SetupTool, type Wanted } from './tool.ts'

export const setupAlibaba: SetupTool = {
  thing: 'Profile',
  flags: ['as'],
  ...forIdentitiesOf('alibaba', 'Alibaba Cloud'),
  setup: ({ host }, { identity, definition, flags }) =>
    aliyunSetup(
      {
        profile: flags.as ?? identity,
        identity,
        force: flags.force,
        region: definition.params.region,
        command: ourProgram('credential-process', identity),
      },
      aliyunConfigPath(host.env),
    ),
  startsUs: () => true,
  takeBack: takeBackAliyun,
  words: ({ place, path }, wanted) => [
    `Alibaba Cloud's SDKs write the keys that they are given into ${path}, in clear; aliyun itself does not.`,
    `Programs that use an SDK leave nothing there with: ${inEnvironment(wanted)}`,
    `Try it: aliyun --profile ${place} sts GetCallerIdentity`,
  ],
}

const inEnvironment = (wanted: Wanted) =>
  formatCommand({
    verb: 'exec',
    identity: wanted.identity,
    flags: [...(isLasting(wanted) ? [] : ['--endpoint']), '--', 'PROGRAM'],
  })

/** Nobody has to renew its keys, and so no endpoint hands them out. */
const isLasting = ({ definition, header }: Wanted) =>
  definition.keys !== undefined || (header?.method === 'keys' && header.expiresAt === undefined)
