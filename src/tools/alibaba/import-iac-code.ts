/** What iac-code has kept of Alibaba Cloud: one login, without a name. */
import { dirname, join } from 'node:path'
import { parseDocument } from 'yaml'
import { isDaypassError } from '../../core/errors.ts'
import { lineNumber } from '../files/edits.ts'
import { type Env, inFolder } from '../files/expand-home.ts'
import { readForeign } from '../files/foreign-file.ts'
import { isJson, notJson } from '../files/json-edit.ts'
import { whenFree } from '../files/lock-file.ts'
import type { Source } from '../importer.ts'
import { offerOfAlibaba, type Profile } from './import-profile.ts'

const TITLE = 'iac-code'

const pathOf = (env: Env, platform: NodeJS.Platform = process.platform) =>
  inFolder(env, platform, {
    variable: 'IAC_CODE_CONFIG_DIR',
    folder: '.iac-code',
    name: '.cloud-credentials.yml',
  })

export const offersOfIacCode: Source = {
  title: TITLE,
  files: (env) => [pathOf(env)],
  offers(env) {
    const file = pathOf(env)
    const profile = read(file)
    const now = async () => {
      await whenFree(join(dirname(file), '..cloud-credentials.yml.lock'), TITLE)
      return read(file)
    }
    return profile ? [offerOfAlibaba(profile, { name: TITLE, file, again: '/auth', now })] : []
  },
  instead: { verb: 'login', args: ['alibaba'] },
}

function read(path: string): Profile | undefined {
  const { text } = readForeign(path)
  const said = text.trim() === '' ? {} : parse(text, path)
  if (!isJson(said)) throw notJson(path, 'it is no YAML mapping')
  // Written where nothing else was said: the mode of keys.
  return isJson(said.aliyun) ? { mode: 'AK', ...said.aliyun } : undefined
}

/** Every value as it is written: what YAML takes for a number or a date may be a key. */
function parse(text: string, path: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false, logLevel: 'error' })
    const [error] = document.errors
    if (error) throw notJson(path, `it is no YAML (line ${lineNumber(text, error.pos[0])})`)
    return document.toJS({ maxAliasCount: 10 })
  } catch (error) {
    if (isDaypassError(error)) throw error
    // Too many aliases, or too deep. Not as a cause: what is said of it may be a piece of a secret.
    throw notJson(path, 'it is no YAML that anybody would write')
  }
}
