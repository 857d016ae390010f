/** What a person reads: help, and completion that works in a real shell. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { startAuthorizationServer } from '../../src/testing/index.ts'
import { CLI, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { box, logIn } from './story.ts'

const VERBS = [
  '',
  'login',
  'logout',
  'remove',
  'list',
  'status',
  'whoami',
  'use',
  'refresh',
  'token',
  'env',
  'exec',
  'shell',
  'fetch',
  'serve',
  'credential-process',
  'git-credential',
  'docker-credential',
  'kube-credential',
  'setup',
  'import',
  'console',
  'tenants',
  'tenants list',
  'tenants use',
  'config',
  'audit',
  'config path',
  'config show',
  'config validate',
  'completion',
]

test.each(VERBS)('`daypass %s --help`', async (verb) => {
  const words = verb.split(' ').filter(Boolean)
  const [flag, word] = await Promise.all([box().run([...words, '--help']), box().run(['help', ...words])])
  expect(flag).toMatchObject({ code: 0, stderr: '' })
  // commander does not take two words behind `help`.
  if (words.length < 2) expect(word.stdout).toBe(flag.stdout)
  for (const line of flag.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110)
  await expect(flag.stdout).toMatchFileSnapshot(`snapshots/help-${words.join('-') || 'daypass'}.txt`)
})

test('-h, help and --version', async () => {
  const one = box()
  expect((await one.run(['-h'])).stdout).toBe((await one.run(['help'])).stdout)
  expect((await one.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})

test('nothing that is taught puts a token or a bearer on a command line, which every user can read', () => {
  const root = resolve(import.meta.dirname, '../..')
  const below = (folder: string) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  const taught = [...readdirSync(root), ...['docs', 'src', 'demo'].flatMap(below)].filter((name) =>
    /\.(md|ts|sh|tape)$/.test(name),
  )
  expect(taught.length).toBeGreaterThan(100)
  const PUBLISHES = /\$\(daypass token|(-H|--header|-u) ?["'][^"'\n]*\$\(/
  const lines = taught.flatMap((name) =>
    readFileSync(join(root, name), 'utf8')
      .split('\n')
      .flatMap((line) => (PUBLISHES.test(line) ? [`${name}: ${line}`] : [])),
  )
  expect(lines).toEqual([])
})

/** `daypass` on the PATH, and an identity. */
async function installed(): Promise<Sandbox> {
  const server = await startAuthorizationServer()
  const one = box()
  await logIn(one, server, 'work-eu')
  await server.close()
  mkdirSync(join(one.home, 'bin'))
  writeFileSync(join(one.home, 'bin/daypass'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, {
    mode: 0o755,
  })
  return one
}

test('completion in bash: verbs, flags, identities and providers', async (context) => {
  needs(context, 'bash')
  if (process.platform === 'darwin')
    context.skip('the bash of macOS is too old to source what a program prints')
  const one = await installed()
  const script = `
PATH="${one.home}/bin:$PATH"
_init_completion() { words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur="\${COMP_WORDS[COMP_CWORD]}"; prev="\${COMP_WORDS[COMP_CWORD-1]}"; }
_get_comp_words_by_ref() { _init_completion; }
source <(daypass completion bash)
ask() {
  COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}; COMPREPLY=()
  local function=$(complete -p daypass | sed 's/.*-F \\([^ ]*\\).*/\\1/')
  $function daypass "\${@: -1}" "\${@: -2:1}"
  echo "$* -> \${COMPREPLY[*]}"
}
ask daypass log
ask daypass token wor
ask daypass logout ''
ask daypass login gith
ask daypass token --min
`
  const { code, stdout, stderr } = await one.run(['-c', script], { program: ['bash', '--norc'] })
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^daypass log -> .*login.*logout/m)
  expect(stdout).toMatch(/^daypass token wor -> work-eu/m)
  expect(stdout).toMatch(/^daypass logout {2}-> .*work-eu/m)
  expect(stdout).toMatch(/^daypass login gith -> github/m)
  expect(stdout).toMatch(/^daypass token --min -> --min-ttl/m)
})

test.each(['zsh', 'fish'])('completion for %s is a script that it understands', async (shell) => {
  const one = box()
  const { code, stdout } = await one.run(['completion', shell])
  expect(code).toBe(0)
  writeFileSync(join(one.home, 'script'), stdout)
  const checked = await one.run(['-n', join(one.home, 'script')], { program: [shell] }).catch(() => undefined)
  if (checked) expect(checked).toMatchObject({ code: 0, stderr: '' })
})

test('completion says nothing where something is wrong', async () => {
  const { stdout, stderr } = await box({ DAYPASS_HOME: '/dev/null' }).run(['complete', '--', 'token', ''])
  expect(stderr).toBe('')
  expect(stdout).not.toMatch(/error/i)
})
