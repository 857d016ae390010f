/** Lists what iac-code has stored for Alibaba Cloud: one login without a name. */
import { dirname, join } from 'node:path'
import { parseDocument } from 'yaml'
import { isDaypassError } from '../../core/errors.ts'
import { findLineNumber } from '../files/edits.ts'
import { type Env, resolveInFolder } from '../files/expand-home.ts'
import { readForeignFile } from '../files/foreign-file.ts'
import { createNotJsonError, isJson } from '../files/json-edit.ts'
import { waitUntilFree } from '../files/lock-file.ts'
import type { ImportSource } from '../importer.ts'
import { buildAlibabaCandidate, type Profile } from './import-profile.ts'

const TITLE = 'iac-code'

const resolveIacCodePath = (env: Env, platform: NodeJS.Platform = process.platform) =>
  resolveInFolder(env, platform, {
    variable: 'IAC_CODE_CONFIG_DIR',
    folder: '.iac-code',
    name: '.cloud-credentials.yml',
  })

export const iacCodeImportSource: ImportSource = {
  title: TITLE,
  files: (env) => [resolveIacCodePath(env)],
  listCandidates(env) {
    const file = resolveIacCodePath(env)
    const profile = readIacCodeProfile(file)
    const readAgain = async () => {
      await waitUntilFree(join(dirname(file), '..cloud-credentials.yml.lock'), TITLE)
      return readIacCodeProfile(file)
    }
    return profile
      ? [buildAlibabaCandidate(profile, { name: TITLE, file, again: '/auth', now: readAgain })]
      : []
  },
  emptyHint: { verb: 'login', args: ['alibaba'] },
}

function readIacCodeProfile(path: string): Profile | undefined {
  const { text } = readForeignFile(path)
  const said = text.trim() === '' ? {} : parseFailsafeYaml(text, path)
  if (!isJson(said)) throw createNotJsonError(path, 'it is no YAML mapping')
  // iac-code omits `mode` for keys.
  return isJson(said.aliyun) ? { mode: 'AK', ...said.aliyun } : undefined
}

/** Parses YAML with every value as text: a key may look like a number or a date. */
function parseFailsafeYaml(text: string, path: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false, logLevel: 'error' })
    const [error] = document.errors
    if (error) throw createNotJsonError(path, `it is no YAML (line ${findLineNumber(text, error.pos[0])})`)
    return document.toJS({ maxAliasCount: 10 })
  } catch (error) {
    if (isDaypassError(error)) throw error
    // Too many aliases, or too deep. No `cause`: its message may hold a piece of a secret.
    throw createNotJsonError(path, 'it is no YAML that anybody would write')
  }
}
