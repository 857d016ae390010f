import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and its parents, mode 0700. Returns the first one that was made. Node's `recursive` option
 * is not used: it loops for ever where a folder cannot take another one (autofs, /proc).
 */
export function makeFolders(folder: string): string | undefined {
  if (isFolder(folder) || dirname(folder) === folder) return undefined
  const first = makeFolders(dirname(folder))
  try {
    mkdirSync(folder, 0o700)
    return first ?? folder
  } catch (error) {
    if (isFolder(folder)) return first // another process made it first
    throw error
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
