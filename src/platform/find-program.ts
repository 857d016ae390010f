import { accessSync, constants, statSync } from 'node:fs'
import { posix, win32 } from 'node:path'

interface ProgramSearch {
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
}

/**
 * Returns the absolute path of a program: as given where absolute, else from `PATH`. Never searches the
 * current folder, which may be an untrusted checkout (CVE-2020-26233).
 */
export function findProgram(name: string, { env, platform }: ProgramSearch): string | undefined {
  const api = platform === 'win32' ? win32 : posix
  if (name === '' || name.includes('\0')) return undefined
  if (api.isAbsolute(name)) return listExecutablePaths(name, platform).find(isExecutable)
  if (api.basename(name) !== name) return undefined
  const folders = (env.PATH ?? env.Path ?? '').split(api.delimiter).filter((folder) => api.isAbsolute(folder))
  return folders.flatMap((folder) => listExecutablePaths(api.join(folder, name), platform)).find(isExecutable)
}

/** Adds from Windows' PATHEXT only real programs; batch files are none. */
function listExecutablePaths(path: string, platform: NodeJS.Platform): string[] {
  if (platform !== 'win32' || /\.[a-z]{3}$/i.test(path)) return [path]
  return [`${path}.exe`, `${path}.com`]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
