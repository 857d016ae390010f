import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, type TestContext, test } from 'vitest'
import { findProgram } from '../../../src/platform/find-program.ts'
import { applyEdits, computeEdits } from '../../../src/tools/files/edits.ts'
import { openGitConfig, resolveGitConfigPath } from '../../../src/tools/git/config-file.ts'
import { createGitSetup, type GitSetup, undoGitSetup } from '../../../src/tools/git/setup.ts'
import { applySetup, previewSetup, undoSetup } from '../../../src/tools/setup-plan.ts'
import { runs } from '../../fuzz.ts'
import { needs } from '../../kit/needs.ts'
import { failure, folderOf } from '../../vault/support.ts'

beforeEach((context) => needs(context, 'git'))

const COMMAND = ['/usr/bin/node', '/opt/daypass/cli.cjs', 'git-credential']
const LINE = `!${COMMAND.join(' ')}`
const OURS = `\thelper = \n\thelper = ${LINE}\n`
const GITHUB: GitSetup = { identity: 'work', hosts: ['github.com', 'gist.github.com'], command: COMMAND }
const GITLAB: GitSetup = { identity: 'lab', hosts: ['gitlab.com'], command: COMMAND }

const HAND_MADE =
  '# mine\n[user]\n\tname = "Ada; Lovelace" # me\n[alias]\n  l = log --oneline\n\n[credential]\n\thelper = store'

/** A home with git's configuration in it. */
function home(context: TestContext, text?: string) {
  const folder = folderOf(context)
  const path = join(folder, '.gitconfig')
  const ledger = join(folder, 'state', 'setup.json')
  if (text !== undefined) fs.writeFileSync(path, text)
  const git = openGitConfig(findProgram('git', process)!, path)
  const what = (request: GitSetup) => createGitSetup(request, path, git)
  return {
    path,
    git,
    read: () => fs.readFileSync(path, 'utf8'),
    write: (now: string) => fs.writeFileSync(path, now),
    set: (request: GitSetup) => applySetup(what(request), ledger),
    preview: (request: GitSetup) => previewSetup(what(request), ledger),
    undo: (meant = {}) => undoSetup(ledger, 'git', meant, (now, entry) => undoGitSetup(now, entry, git)),
  }
}

describe('set up', () => {
  test('a configuration that was not there is 0600, and undo leaves none', async (context) => {
    const { set, undo, read, path } = home(context)
    await set(GITHUB)
    expect(read()).toBe(
      `[credential "https://github.com"]\n${OURS}[credential "https://gist.github.com"]\n${OURS}`,
    )
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    expect(await undo()).toMatchObject([{ place: 'github.com, gist.github.com', outcome: 'restored' }])
    expect(fs.existsSync(path)).toBe(false)
    expect(await undo()).toEqual([])
  })

  test('a configuration of a person keeps every byte, and has it again after undo', async (context) => {
    const { set, undo, read } = home(context, HAND_MADE)
    await set(GITLAB)
    expect(read()).toBe(`${HAND_MADE}\n[credential "https://gitlab.com"]\n${OURS}`)
    await undo({ identity: 'lab' })
    expect(read()).toBe(HAND_MADE)
  })

  test('twice is once', async (context) => {
    const { set, read, preview } = home(context, HAND_MADE)
    await set(GITHUB)
    const once = read()
    expect((await set(GITHUB)).edits).toEqual([])
    expect(preview(GITHUB).diff).toBe('')
    expect(read()).toBe(once)
  })

  test('a dry run says what would change, shows no other value, and changes nothing', (context) => {
    const secret = '[http]\n\textraHeader = Authorization: of-somebody'
    const { preview, read } = home(context, secret)
    const { diff } = preview(GITLAB)
    expect(diff).toContain(`+[credential "https://gitlab.com"]\n+\thelper = \n+\thelper = ${LINE}\n`)
    expect(diff).not.toContain('of-somebody')
    expect(read()).toBe(secret)
  })

  test('another helper of the host is not pushed aside without being told to', async (context) => {
    const theirs = '[credential "https://gitlab.com"]\n\thelper = !f() { echo password=hunter2; }; f # mine\n'
    const { set, read, undo } = home(context, theirs)
    const { message, hint } = await failure(() => set(GITLAB), 'usage')
    expect(message).not.toContain('hunter2')
    expect(hint).toContain('--force')
    expect(read()).toBe(theirs)
    await set({ ...GITLAB, force: true })
    expect(read()).toBe(`${theirs}${OURS}`)
    await undo()
    expect(read()).toBe(theirs)
  })

  // It would be told our token to keep, and a file of passwords keeps it for good.
  test('a helper for every host is asked no more, wherever it stands', async (context) => {
    const mine = '[credential "https://gitlab.com"]\n\tusername = oauth2\n'
    const all = '[credential]\n\thelper = store\n'
    const { set, read, write, undo, git } = home(context, mine + all)
    await set(GITLAB)
    expect(read()).toBe(`${mine}${all}[credential "https://gitlab.com"]\n${OURS}`)
    expect((await set(GITLAB)).edits).toEqual([])
    await undo()
    expect(read()).toBe(mine + all)
    // Somebody has put it there since.
    await set(GITLAB)
    write(`${read()}${all}`)
    await set(GITLAB)
    expect(read()).toBe(`${mine}${all}${all}[credential "https://gitlab.com"]\n${OURS}`)
    await undo()
    expect(git.helpers(read()).size).toBe(0)
  })

  test('a program that lies elsewhere now takes the place of the old one', async (context) => {
    const { set, read, undo } = home(context, HAND_MADE)
    await set(GITLAB)
    const moved = ['/usr/bin/node', '/opt/my "new" \\ daypass/cli.cjs', 'git-credential']
    await set({ ...GITLAB, command: moved })
    expect(read()).not.toContain(LINE)
    expect(read().match(/helper = /g)).toHaveLength(3)
    const again = await set({ ...GITLAB, command: moved })
    expect(again.edits).toEqual([])
    await set(GITLAB)
    expect(read()).toBe(`${HAND_MADE}\n[credential "https://gitlab.com"]\n${OURS}`)
    await undo()
    expect(read()).toBe(HAND_MADE)
  })

  test('a host of this machine is asked for in both ways, any other over https', async (context) => {
    const { set, read } = home(context)
    await set({ ...GITLAB, hosts: ['127.0.0.1:3000', 'git.example.com:8443'] })
    expect(read().match(/"http.*"/g)).toEqual([
      '"http://127.0.0.1:3000"',
      '"https://127.0.0.1:3000"',
      '"https://git.example.com:8443"',
    ])
  })

  test('what git cannot read is left alone', async (context) => {
    const { set, read } = home(context, '[credential\nwhat is this')
    const { message } = await failure(() => set(GITLAB), 'configuration')
    expect(message).toContain('.gitconfig')
    expect(read()).toBe('[credential\nwhat is this')
  })
})

describe('undo, where others have changed it since', () => {
  test('takes ours away and leaves theirs', async (context) => {
    const { set, undo, write, read } = home(context, HAND_MADE)
    await set(GITHUB)
    await set(GITLAB)
    write(`${read()}[core]\n\teditor = vi\n`)
    expect(await undo({ identity: 'work' })).toMatchObject([{ outcome: 'removed' }])
    expect(read()).toBe(`${HAND_MADE}\n[credential "https://gitlab.com"]\n${OURS}[core]\n\teditor = vi\n`)
    await undo()
    expect(read()).toBe(`${HAND_MADE}\n[core]\n\teditor = vi\n`)
  })

  test('keeps a helper that was put beside ours', async (context) => {
    const { set, undo, write, read, git } = home(context)
    await set(GITLAB)
    write(`${read()}\thelper = cache\n\tusername = ada\n`)
    await undo()
    expect([...git.helpers(read())]).toEqual([['credential.https://gitlab.com.helper', ['cache']]])
    expect(read()).toContain('username = ada')
  })

  test('has nothing to do where ours are gone', async (context) => {
    const { set, undo, write, read } = home(context)
    await set(GITLAB)
    write('[core]\n')
    expect(await undo()).toMatchObject([{ outcome: 'gone' }])
    expect(read()).toBe('[core]\n')
  })
})

test('any configuration that git reads is as it was, after set-up and undo', async (context) => {
  const { set, undo, write, read } = home(context, '')
  const line = fc.constantFrom(
    '[core]',
    '\teditor = vi ; c',
    '# comment',
    '',
    '  [credential "https://gitlab.com"]',
    '\tusername = ada',
    '[credential]',
    '\thelper = store',
    'helper',
    '\r',
    '[a "b\\"c"] d = e \\',
  )
  const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'))
  await fc.assert(
    fc.asyncProperty(text, async (before) => {
      write(before)
      const done = await set({ ...GITLAB, force: true }).catch(() => undefined)
      if (!done) return expect(read()).toBe(before)
      expect(read()).toContain(LINE)
      await undo()
      expect(read()).toBe(before)
    }),
    runs(25),
  )
})

test('the change between two texts leads from one to the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', '\n', '\r\n', 'c\n'), { maxLength: 12 })
    .map((all) => all.join(''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const edits = computeEdits(before, after)
      expect(applyEdits(before, edits)).toBe(after)
      expect(edits.length === 0).toBe(before === after)
    }),
  )
})

test('the configuration is where git looks for it', (context) => {
  const HOME = folderOf(context)
  const at = (env: Record<string, string>) => resolveGitConfigPath({ HOME, ...env }, 'linux')
  expect(at({})).toBe(join(HOME, '.gitconfig'))
  fs.mkdirSync(join(HOME, '.config/git'), { recursive: true })
  fs.writeFileSync(join(HOME, '.config/git/config'), '')
  expect(at({})).toBe(join(HOME, '.config/git/config'))
  expect(at({ XDG_CONFIG_HOME: join(HOME, 'elsewhere') })).toBe(join(HOME, '.gitconfig'))
  fs.writeFileSync(join(HOME, '.gitconfig'), '')
  expect(at({})).toBe(join(HOME, '.gitconfig'))
  expect(at({ GIT_CONFIG_GLOBAL: '/srv/gitconfig' })).toBe('/srv/gitconfig')
})
