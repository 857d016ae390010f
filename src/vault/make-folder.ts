import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder, 0700, and those above it; gives the first that was made. By hand: where a folder takes no other
 * (autofs, /proc), Node's own `recursive` goes round for ever.
 */
export function makeFolders(folder: string): string | undefined {
  if (isFolder(folder) || dirname(folder) === folder) return undefined
  const first = makeFolders(dirname(folder))
  try {
    mkdirSync(folder, 0o700)
    return first ?? folder
  } catch (error) {
    if (isFolder(folder)) return first // somebody was quicker
    throw error
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
