import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { DaypassError, isDaypassError } from '../core/errors.ts'
import { assertObeyable } from '../trust/file-trust.ts'
import {
  type CompiledConfig,
  compileConfig,
  createStamp,
  readCompiled,
  type Stamp,
  writeCompiled,
} from './compiled.ts'
import { parseConfig } from './parse.ts'
import type { Config } from './schema.ts'

const MAX_CONFIG_SIZE = 1024 * 1024

export interface ConfigFile {
  text: string
  /** The state of exactly the bytes that were read. */
  stamp: Stamp
}

const PERMISSIONS_HINT = 'look at its owner and permissions: ls -l'
const OTHER_PLACE_HINT = 'name a file that there can be with DAYPASS_CONFIG, or a folder with DAYPASS_HOME'
const HINTS: Record<string, string> = { ENOTDIR: OTHER_PLACE_HINT, ENAMETOOLONG: OTHER_PLACE_HINT }

/** Reads the file. Returns undefined where there is none; throws `configuration` for any other obstacle. */
export function readConfigFile(file: string): ConfigFile | undefined {
  try {
    assertObeyable(file)
    return readRegular(file)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    if (isDaypassError(cause)) throw cause
    throw new DaypassError(
      'configuration',
      `${basename(file)} cannot be read (${code ?? 'not UTF-8 text'})`,
      {
        hint: code === undefined ? `save ${file} as UTF-8` : (HINTS[code] ?? `${PERMISSIONS_HINT} ${file}`),
        cause,
      },
    )
  }
}

function readRegular(file: string): ConfigFile {
  // Checked before opening, because opening a pipe waits for a writer.
  if (!statSync(file).isFile()) throw createUnfitFileError(file, 'is not a regular file')
  const fd = openSync(file, 'r')
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (stat.size > MAX_CONFIG_SIZE) throw createUnfitFileError(file, 'is larger than 1 MiB')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd))
    return { text, stamp: createStamp(stat) }
  } finally {
    closeSync(fd)
  }
}

function createUnfitFileError(file: string, what: string): DaypassError {
  return new DaypassError('configuration', `${basename(file)} ${what}`, {
    hint: `make ${file} the YAML file that docs/configuration.md describes`,
  })
}

/** Reads and checks the configuration of a file. A missing file is an empty configuration. */
export function loadConfig(file: string): Config {
  const found = readConfigFile(file)
  return found === undefined ? {} : parseConfig(found.text, file)
}

/** Reads the compiled copy, else the configuration itself, and then writes the copy for the next call. */
export function loadCompiled(configFile: string, compiledFile: string): CompiledConfig {
  const ready = readCompiled(configFile, compiledFile)
  if (ready !== undefined) return ready
  const found = readConfigFile(configFile)
  if (found === undefined) return compileConfig({})
  const compiled = compileConfig(parseConfig(found.text, configFile), found.stamp)
  writeCompiled(compiledFile, compiled)
  return compiled
}
