/** Reads and changes a copy of git's configuration with git; the caller writes the file itself. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaypassError } from '../../core/errors.ts'
import { type Env, resolveInFolder, resolveInHome } from '../files/expand-home.ts'

/** Returns the file that `git config --global` writes to. */
export function resolveGitConfigPath(env: Env, platform: NodeJS.Platform = process.platform): string {
  if (env.GIT_CONFIG_GLOBAL) return env.GIT_CONFIG_GLOBAL
  const usual = resolveInHome(env, platform, '.gitconfig')
  const other = resolveInFolder(env, platform, {
    variable: 'XDG_CONFIG_HOME',
    folder: '.config',
    name: join('git', 'config'),
  })
  return !existsSync(usual) && existsSync(other) ? other : usual
}

export interface GitConfig {
  /** Returns all values of each `credential.<url>.helper`, in order. */
  helpers(text: string): ReadonlyMap<string, readonly string[]>
  /** Returns whether a general helper follows those of `name`: git asks it and tells it their answers. */
  isFollowed(text: string, name: string): boolean
  /** Returns the text with exactly these helpers, in this order. */
  replaceHelpers(text: string, name: string, helpers: readonly string[]): string
}

/** Opens git's configuration. `program`: the absolute path of git. `path`: the file named in errors. */
export function openGitConfig(program: string, path: string): GitConfig {
  const run = (text: string, ...commands: readonly (readonly string[])[]) =>
    runOnCopy(program, path, text, commands)
  const listEntries = (text: string, pattern: string) => {
    const { out } = run(text, ['-z', '--get-regexp', pattern])
    // A name without a value is one line.
    return out
      .split('\0')
      .slice(0, -1)
      .map((entry) => entry.split(/\n(.*)/s))
  }
  const helpers: GitConfig['helpers'] = (text) => {
    const found = new Map<string, string[]>()
    for (const [name = '', value = ''] of listEntries(text, '^credential\\..*\\.helper$'))
      found.set(name, [...(found.get(name) ?? []), value])
    return found
  }
  return {
    helpers,
    isFollowed(text, name) {
      const names = listEntries(text, '^credential\\.(.*\\.)?helper$').map(([each]) => each)
      return names.lastIndexOf('credential.helper') > names.lastIndexOf(name)
    },
    replaceHelpers(text, name, wanted) {
      const now = helpers(text).get(name) ?? []
      // Existing values stay in place, with their comments.
      const isMore = now.every((value, index) => value === wanted[index])
      const added = (isMore ? wanted.slice(now.length) : wanted).map((value) => ['--add', name, value])
      return run(text, ...(isMore ? [] : [['--unset-all', name]]), ...added).text
    },
  }
}

/** git's exit code where there is nothing to show. */
const NOTHING = 1

function runOnCopy(
  program: string,
  path: string,
  text: string,
  commands: readonly (readonly string[])[],
): { text: string; out: string } {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-git-'))
  const file = join(folder, 'config')
  try {
    writeFileSync(file, text, { mode: 0o600 })
    const outs = commands.map((words) => {
      const { status, stdout } = spawnSync(program, ['config', '--file', file, ...words], {
        cwd: folder,
        env: buildIsolatedEnv(folder),
        encoding: 'utf8',
        timeout: 10_000,
      })
      if (status === 0 || (status === NOTHING && words.includes('--get-regexp'))) return stdout
      throw createGitConfigError(path)
    })
    return { text: readFileSync(file, 'utf8'), out: outs.join('') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Excludes the configuration of the current repository and of the system. */
function buildIsolatedEnv(home: string): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env
  return { PATH, ...(SystemRoot && { SystemRoot }), HOME: home, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' }
}

const createGitConfigError = (path: string) =>
  new DaypassError('configuration', `git cannot read or change ${path}`, {
    hint: `mend it: git config --file ${path} --list says where it is wrong`,
  })
