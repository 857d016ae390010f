/** Files that other users of the machine could have written, met by the program. The other user is nobody (65534). */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { box, copyOf, logIn } from '../cli/story.ts'
import { type Sandbox, sandbox } from '../kit/cli.ts'

const STRANGER = 65_534
const AS_ROOT = process.getuid?.() === 0
/** Only root can give a file to another user. */
const asRoot = test.runIf(AS_ROOT)

let server: AuthorizationServer
let base: Sandbox
beforeAll(async () => {
  server = await startAuthorizationServer({ refresh: 'reusable' })
  base = sandbox()
  await logIn(base, server)
})
afterAll(() => Promise.all([server.close(), base.remove()]))

const CONFIG = 'auth:\n  identities:\n    work:\n      kind: oidc/user\n'

/** A copy of one login, with a configuration that says nothing new. */
function homeWithConfig(): { one: Sandbox; config: string } {
  const one = copyOf(base)
  const config = join(one.daypassHome, 'config.yaml')
  writeFileSync(config, CONFIG, { mode: 0o600 })
  return { one, config }
}

/** What each attack leaves, and the words of the refusal. */
const OBEYED: [title: string, needsRoot: boolean, attack: (config: string) => unknown, what: RegExp][] = [
  [
    'a file that every user can write',
    false,
    (config) => void chmodSync(config, 0o666),
    /config\.yaml is not obeyed: it can be written by every user/,
  ],
  [
    'a file of another user',
    true,
    (config) => void chownSync(config, STRANGER, STRANGER),
    /it belongs to another user \(uid 65534\)/,
  ],
  [
    'a file that a group of others can write',
    true,
    (config) => {
      chownSync(config, 0, 1)
      chmodSync(config, 0o660)
    },
    /it can be written by its group/,
  ],
  [
    'a folder that every user can write',
    false,
    (config) => void chmodSync(dirname(config), 0o777),
    /daypass is not obeyed: it can be written by every user/,
  ],
  [
    'a folder of another user',
    true,
    (config) => void chownSync(dirname(config), STRANGER, STRANGER),
    /it belongs to another user/,
  ],
  [
    'a folder far above that every user can write',
    false,
    (config) => {
      const above = join(dirname(config), '..', 'above', 'in', 'it')
      mkdirSync(above, { recursive: true })
      cpSync(config, join(above, 'config.yaml'))
      chmodSync(join(dirname(config), '..', 'above'), 0o777)
      return { DAYPASS_CONFIG: join(above, 'config.yaml') }
    },
    /above is not obeyed/,
  ],
  [
    'a link to a file of another user',
    true,
    (config) => {
      const target = `${config}.theirs`
      renameSync(config, target)
      chownSync(target, STRANGER, STRANGER)
      symlinkSync(target, config)
    },
    /config\.yaml\.theirs is not obeyed/,
  ],
  [
    'a link of another user in a sticky folder',
    true,
    (config) => {
      const sticky = join(dirname(config), 'sticky')
      mkdirSync(sticky)
      chmodSync(sticky, 0o1777)
      symlinkSync(config, join(sticky, 'link.yaml'))
      lchownSync(join(sticky, 'link.yaml'), STRANGER, STRANGER)
      return { DAYPASS_CONFIG: join(sticky, 'link.yaml') }
    },
    /link\.yaml is not obeyed: it belongs to another user/,
  ],
  [
    'a link into a folder that every user can write',
    false,
    (config) => {
      const open = join(dirname(config), 'open')
      mkdirSync(open)
      chmodSync(open, 0o777)
      renameSync(config, join(open, 'config.yaml'))
      symlinkSync(join('open', 'config.yaml'), config)
    },
    /open is not obeyed/,
  ],
  [
    'a file of another user in a sticky folder',
    true,
    (config) => {
      const sticky = join(dirname(config), 'sticky')
      mkdirSync(sticky)
      chmodSync(sticky, 0o1777)
      writeFileSync(join(sticky, 'c.yaml'), CONFIG)
      chownSync(join(sticky, 'c.yaml'), STRANGER, STRANGER)
      return { DAYPASS_CONFIG: join(sticky, 'c.yaml') }
    },
    /c\.yaml is not obeyed/,
  ],
]

describe('a configuration that others could have written is not obeyed, by any verb, warm or not', () => {
  test.each(OBEYED)('%s', async (_, needsRoot, attack, what) => {
    if (needsRoot && !AS_ROOT) return
    const { one, config } = homeWithConfig()
    // The compiled copy is there, and does not outlive the trust in its source.
    await one.run(['list'])
    const env = (attack(config) ?? {}) as Record<string, string>
    const check = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await one.run(args, { env })
      expect([code, stdout], `${args.join(' ')}\n${stderr}`).toEqual([6, ''])
      expect(stderr).toMatch(what)
    }
    await Promise.all([check(['token', 'work']), check(['status', 'work', '--check'])])
  })

  test('the hint mends it as it stands there', async () => {
    const { one, config } = homeWithConfig()
    chmodSync(config, 0o666)
    const hint = /then: (.*)$/m.exec((await one.run(['token'])).stderr)![1]!
    execFileSync('sh', ['-c', hint])
    expect((await one.run(['token'])).code).toBe(0)
  })
})

describe('what looks alike and is fine', () => {
  const fine = async (one: Sandbox, env: Record<string, string> = {}) => {
    for (const args of [['token'], ['status']]) {
      const { code, stderr } = await one.run(args, { env })
      expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' })
    }
  }

  test('a file of ours in a sticky folder', async () => {
    const { one } = homeWithConfig()
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daypass-sticky-')))
    chmodSync(folder, 0o1777)
    writeFileSync(join(folder, 'c.yaml'), CONFIG)
    await fine(one, { DAYPASS_CONFIG: join(folder, 'c.yaml') })
    rmSync(folder, { recursive: true })
  })

  test('DAYPASS_HOME behind a link', async () => {
    const { one } = homeWithConfig()
    symlinkSync(one.daypassHome, join(one.home, 'link'))
    await fine(one, { DAYPASS_HOME: join(one.home, 'link') })
  })

  asRoot('a store of root with 1775, as Nix has it, and a group of root', async () => {
    const { one, config } = homeWithConfig()
    const store = join(one.home, 'store')
    mkdirSync(store)
    chownSync(store, 0, 1)
    chmodSync(store, 0o1775)
    renameSync(config, join(store, 'abc-config.yaml'))
    symlinkSync(join(store, 'abc-config.yaml'), config)
    chmodSync(dirname(config), 0o770)
    await fine(one)
  })

  asRoot('a folder that every user can write, on a mount that takes no writing', async (context) => {
    const { one } = homeWithConfig()
    const mount = join(one.home, 'mount')
    mkdirSync(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=777', 'none', mount], { stdio: 'pipe' })
    } catch {
      context.skip('mount is not permitted here')
    }
    try {
      writeFileSync(join(mount, 'config.yaml'), CONFIG)
      chmodSync(mount, 0o777)
      execFileSync('mount', ['-o', 'remount,ro', mount])
      await fine(one, { DAYPASS_CONFIG: join(mount, 'config.yaml') })
    } finally {
      execFileSync('umount', [mount])
    }
  })

  asRoot('umask 002 with a group of the user’s own', async () => {
    const { one, config } = homeWithConfig()
    chmodSync(config, 0o664)
    execFileSync('chown', ['-R', '4321:4321', one.home])
    const command = [
      '--reuid=4321',
      '--regid=4321',
      '--clear-groups',
      process.execPath,
      join(import.meta.dirname, '../../dist/cli.cjs'),
    ]
    const { code, stderr } = await one.run(['token'], { program: ['setpriv', ...command] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('a secret folder', () => {
  asRoot('that another user made beforehand is not used', async () => {
    const one = box()
    const vault = join(one.daypassHome, 'vault')
    cpSync(join(base.daypassHome, 'vault'), vault, { recursive: true })
    chownSync(vault, STRANGER, STRANGER)
    for (const args of [
      ['token', 'work'],
      ['list'],
      ['refresh', 'work'],
      ['login', 'oidc', 'work', '--issuer', server.issuer, '--client-id', server.clientId],
    ]) {
      const { code, stderr } = await one.run(args)
      expect(code, `${args.join(' ')}\n${stderr}`).toBe(6)
      expect(stderr).toMatch(/vault is refused: it belongs to another user \(uid 65534\)/)
    }
  })

  test('that others could write is refused, and one that they could read is closed', async () => {
    const one = copyOf(base)
    const vault = join(one.daypassHome, 'vault')
    chmodSync(vault, 0o777)
    const refused = await one.run(['token', 'work'])
    expect([refused.code, refused.stdout]).toEqual([6, ''])
    expect(refused.stderr).toMatch(/vault is refused: it can be written by every user/)
    expect(statSync(vault).mode & 0o777).toBe(0o777)
    chmodSync(vault, 0o755)
    const mended = await one.run(['token', 'work'])
    expect([mended.code, mended.stderr]).toEqual([0, `! ${vault} was open to others; it is 0700 now\n`])
  })

  test('a record or key that others could write is refused', async () => {
    const one = copyOf(base)
    const record = join(one.daypassHome, 'vault/work.grant')
    chmodSync(record, 0o666)
    expect(await one.run(['token', 'work'])).toMatchObject({ code: 6, stdout: '' })
    chmodSync(record, 0o600)
    expect((await one.run(['token', 'work'])).code).toBe(0)
  })

  asRoot('for the bearer files of serve that another user made is not used', async () => {
    const one = copyOf(base)
    const run = join(one.daypassHome, 'run')
    mkdirSync(run, { mode: 0o777 })
    chownSync(run, STRANGER, STRANGER)
    const { code, stderr } = await one.run(['serve', 'work', '--idle', '1s'])
    expect(code, stderr).toBe(6)
    expect(stderr).toMatch(/run is refused: it belongs to another user/)
  })

  asRoot('a default that another user wrote counts for nothing, and is told', async () => {
    const one = copyOf(base)
    const state = join(one.daypassHome, 'state.json')
    chownSync(state, STRANGER, STRANGER)
    const list = await one.run(['token'])
    expect(list.code).toBe(2)
    expect(list.stderr).toMatch(/state\.json is ignored: .* belongs to another user/)
  })
})

describe('in a user namespace that does not map root, as flatpak makes one', () => {
  /** The program as uid 0 of a namespace of its own: all other users, root of the machine included, have the overflow uid. */
  const inside = (one: Sandbox, args: readonly string[], env: Record<string, string> = {}) =>
    one.run(
      [
        '--reuid=4321',
        '--regid=4321',
        '--clear-groups',
        'unshare',
        '--user',
        '--map-user=4321',
        '--map-group=4321',
        process.execPath,
        join(import.meta.dirname, '../../dist/cli.cjs'),
        ...args,
      ],
      { program: ['setpriv'], env },
    )

  asRoot('folders of root are fine, and a file of another user is not obeyed', async (context) => {
    const { one, config } = homeWithConfig()
    execFileSync('chown', ['-R', '4321:4321', one.home])
    const own = await inside(one, ['status'])
    if (/unshare/.test(own.stderr)) context.skip('user namespaces are not permitted here')
    expect({ code: own.code, stderr: own.stderr }).toEqual({ code: 0, stderr: '' })
    chownSync(config, 5432, 5432)
    chmodSync(config, 0o644)
    const theirs = await inside(one, ['status'])
    expect(theirs.code, theirs.stderr).toBe(6)
    expect(theirs.stderr).toMatch(/config\.yaml is not obeyed: it belongs to another user/)
  })
})
