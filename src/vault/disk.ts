/**
 * A folder of records, one file each. Reading is synchronous and needs only `node:fs`, because a `token` from
 * the cache does nothing else. The code that writes and locks is loaded on first use.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assertPrivateFolder } from '../trust/file-trust.ts'
import { createDiskError, createNoRecordError, getErrno } from './disk-error.ts'
import { decodeGrantFileName, encodeGrantFileName, encodeName } from './file-name.ts'
import type { LockKind } from './lock-kinds.ts'
import { type Report, readOwnFile } from './read-file.ts'
import type { Store } from './store.ts'

export interface DiskOptions {
  /** Called once for each file whose permissions were wider than 0600. */
  report?: Report | undefined
  /** Milliseconds that `exclusive` waits. */
  patience?: number | undefined
  kinds?: readonly LockKind[] | undefined
}

export function diskStore(folder: string, { report = () => {}, patience, kinds }: DiskOptions = {}): Store {
  const path = (name: string) => join(folder, encodeGrantFileName(name))
  const tell = reportOnce(report)
  let isChecked = false
  const checkFolder = () => {
    if (!isChecked) isChecked = assertPrivateFolder(folder, tell)
  }
  return {
    get: async (name) => {
      checkFolder()
      return readOwnFile(path(name), tell)
    },
    names: async () => {
      checkFolder()
      return readNames(folder)
    },
    reserve: async (name, bytes) => {
      const { reserveRoom } = await import('./atomic.ts')
      checkFolder()
      const room = reserveRoom(path(name), bytes)
      return { write: async (text) => room.write(text), release: async () => room.release() }
    },
    unfinished: async (name) => {
      const { listTemporaryFiles: temporariesOf } = await import('./atomic.ts')
      const texts = temporariesOf(path(name)).map((file) => readOwnFile(file, tell))
      return texts.filter((text) => text !== undefined)
    },
    delete: async (name) => {
      checkFolder()
      const { removeDurably } = await import('./atomic.ts')
      return removeDurably(path(name))
    },
    quarantine: async (name) => {
      checkFolder()
      return quarantine(path(name), name)
    },
    exclusive: async (name, purpose, work) => {
      const { runExclusively: exclusively } = await import('./lock.ts')
      return exclusively(join(folder, 'locks', `${encodeName(name)}.lock`), purpose, work, {
        patience,
        kinds,
      })
    },
  }
}

function reportOnce(report: Report): Report {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    report(message)
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .map(decodeGrantFileName)
      .filter((name) => name !== undefined)
      .sort()
  } catch (error) {
    if (getErrno(error) === 'ENOENT') return []
    throw createDiskError(error, 'read', folder)
  }
}

/** Moves the file aside and returns its new path. */
export async function quarantine(path: string, name: string): Promise<string> {
  const { rename, syncFolder } = await import('./atomic.ts')
  const aside = `${path}.unreadable-${new Date().toISOString().replace(/[-:.]/g, '')}`
  try {
    rename(path, aside)
    syncFolder(dirname(path))
    return aside
  } catch (error) {
    if (getErrno(error) === 'ENOENT') throw createNoRecordError(name)
    throw createDiskError(error, 'move', path)
  }
}
