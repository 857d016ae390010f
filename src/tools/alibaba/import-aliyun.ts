/** Lists what the configuration of Alibaba Cloud's CLI offers. */

import type { Env } from '../files/expand-home.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import type { ImportSource } from '../importer.ts'
import { parseAliyunConfig, resolveAliyunConfigPath } from './config-file.ts'
import { buildAlibabaCandidate } from './import-profile.ts'

export const aliyunImportSource: ImportSource = {
  title: 'aliyun',
  files: (env) => [resolveAliyunConfigPath(env)],
  findDefault: (env) => readAliyunConfig(env).current || undefined,
  listCandidates(env) {
    const file = resolveAliyunConfigPath(env)
    return readAliyunConfig(env).profiles.map((profile) => {
      const { name } = profile
      const again = `aliyun configure --mode ${profile.mode} --profile ${name}`
      // The CLI uses no lock that we could wait for.
      const readAgain = async () => readAliyunConfig(env).profiles.find((each) => each.name === name)
      return buildAlibabaCandidate(profile, { name, file, again, now: readAgain })
    })
  },
  emptyHint: { verb: 'login', args: ['alibaba'] },
}

function readAliyunConfig(env: Env) {
  const path = resolveAliyunConfigPath(env)
  return parseAliyunConfig(readForeignFile(path).text.replace(/^\ufeff/, ''), path)
}
