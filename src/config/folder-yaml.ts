import { basename } from 'node:path'
import { DaypassError } from '../core/errors.ts'
import { isIdentityName } from '../core/names.ts'
import { findNearest } from './nearest.ts'
import { type Path, parseYaml } from './yaml-text.ts'

/** Reads the forms of `.daypass.yaml` that are not one plain line, and reports faults. */
export function parseFolderYaml(text: string, file: string): { identity: string } {
  const yaml = parseYaml(text)
  const fail = ({ line, column }: { line: number; column: number }, message: string): never => {
    throw new DaypassError('configuration', `${basename(file)}:${line}:${column}: ${message}`, {
      hint: 'the whole file is one line: identity: NAME',
    })
  }
  const wrong = (path: Path, on: 'key' | 'value', message: string) => fail(yaml.locate(path, on), message)
  if (yaml.mistakes[0]) return fail(yaml.mistakes[0], yaml.mistakes[0].message)
  const value = yaml.value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return wrong([], 'value', 'expected identity: NAME')
  }
  const unknown = Object.keys(value).find((key) => key !== 'identity')
  if (unknown !== undefined) return wrong([unknown], 'key', describeUnknownFolderKey(unknown))
  if (!Object.hasOwn(value, 'identity')) return fail({ line: 1, column: 1 }, 'missing key "identity"')
  const { identity } = value as { identity: unknown }
  if (typeof identity === 'string' && isIdentityName(identity)) return { identity }
  return wrong(['identity'], 'value', 'expected the name of an identity')
}

/** As in `config.yaml`, a key is quoted only where it looks like one. */
function describeUnknownFolderKey(key: string): string {
  if (findNearest(key, ['identity'])) return `unknown key "${key}", did you mean "identity"`
  return `unknown key${/^[a-z_]{1,32}$/.test(key) ? ` "${key}"` : ''}, only "identity" is read from a folder`
}
