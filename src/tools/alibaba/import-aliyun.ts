/** What the configuration of Alibaba Cloud's command line offers. */

import type { Env } from '../files/expand-home.ts'
import { readForeign } from '../files/foreign-file.ts'
import type { Source } from '../importer.ts'
import { aliyunConfigPath, readAliyun } from './config-file.ts'
import { offerOfAlibaba } from './import-profile.ts'

export const offersOfAliyun: Source = {
  title: 'aliyun',
  files: (env) => [aliyunConfigPath(env)],
  chosen: (env) => read(env).current || undefined,
  offers(env) {
    const file = aliyunConfigPath(env)
    return read(env).profiles.map((profile) => {
      const { name } = profile
      const again = `aliyun configure --mode ${profile.mode} --profile ${name}`
      // It has no lock that anybody could wait for.
      const now = async () => read(env).profiles.find((each) => each.name === name)
      return offerOfAlibaba(profile, { name, file, again, now })
    })
  },
  instead: { verb: 'login', args: ['alibaba'] },
}

function read(env: Env) {
  const path = aliyunConfigPath(env)
  return readAliyun(readForeign(path).text.replace(/^\ufeff/, ''), path)
}
