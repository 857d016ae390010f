/** `daypass shell`: the person's own shell, whose prompt says whose credential it has. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { copyOf, loggedIn, logIn, withKeys } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { until } from '../vault/support.ts'
import { CTRL_C, insane, type Screen, screen } from './pty.ts'

const { server, base } = await loggedIn()

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Name = (typeof SHELLS)[number]

/** A configuration of their own: a prompt that changes each time and tells how the last command ended, and an alias. */
const RC: Record<Name, { file: string; text: string }> = {
  bash: {
    file: '.bashrc',
    text: `count=0
PROMPT_COMMAND='last=$?; count=$((count + 1)); PS1="own $count <$last> \\$ ";'
alias greet='echo hello from bash'
HISTFILE=~/history
`,
  },
  zsh: {
    file: 'zdot/.zshrc',
    text: `count=0
precmd() { PS1="own $((++count)) <$?> %# " }
alias greet='echo hello from zsh'
`,
  },
  fish: {
    file: '.config/fish/config.fish',
    text: `set -g count 0
function fish_prompt
  set -l last $status
  set count (math $count + 1)
  echo -n "own $count <$last> > "
end
alias greet 'echo hello from fish'
set -g fish_greeting
`,
  },
}

function person(name: Name): Sandbox {
  const one = copyOf(base)
  const { file, text } = RC[name]
  mkdirSync(join(one.home, file, '..'), { recursive: true })
  writeFileSync(join(one.home, file), text)
  // Without it, fish's first start makes completions of every manual page, long after it has ended.
  mkdirSync(join(one.home, '.local/share/fish/generated_completions'), { recursive: true })
  // Where theirs are is for the first file to say.
  writeFileSync(join(one.home, '.zshenv'), 'export ZDOTDIR=~/zdot FROM_ZSHENV=yes\n')
  return one
}

const shellOf = (name: string, more: Record<string, string> = {}) => ({
  env: { SHELL: `/usr/bin/${name}`, ...more },
})

/** What the person sees, without what moves the cursor and paints. */
const plain = (text: string) => text.replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007]*\u0007|[()=>].?)/g, '')

async function says(shown: Screen, typed: string, pattern: RegExp): Promise<RegExpExecArray> {
  const from = shown.text().length
  shown.pty.write(`${typed}\r`)
  const seen = () => plain(shown.text().slice(from))
  await until(() => pattern.test(seen())).catch(() => expect(seen()).toMatch(pattern))
  return pattern.exec(seen())!
}

describe.each(SHELLS)('%s', (name) => {
  test('has the credential, its own configuration and prompt, and the mark; its exit code is ours', async (context) => {
    needs(context, name)
    const one = person(name)
    const shown = screen(one, ['shell', 'work'], shellOf(name))
    await shown.until(/A shell as work; leave it with exit\./)
    await shown.until(/Its credential ends in 5\dm( \d+s)? \(\S+Z\)\. Leave and come back for the next one\./)
    await shown.until(/\(daypass:work\) (\u001b\S*)?own \d/)
    await says(shown, 'greet', new RegExp(`hello from ${name}`))
    const token = (await one.run(['token'])).stdout.trim()
    expect((await says(shown, 'echo "[$OIDC_TOKEN]"', /\[(at_\S+)\]/))[1]).toBe(token)
    // What the prompt says of the last command is true.
    await says(shown, 'sh -c "exit 3"', /\(daypass:work\) own \d+ <3> /)
    shown.pty.write('exit 7\r')
    const { code, said } = await shown.ended()
    expect(code).toBe(7)
    expect(plain(said)).not.toContain('(daypass:work) (daypass:work)')
    expect(insane(shown.text())).toEqual([])
    expect(readdirSync(join(one.home, 'tmp')).filter((each) => each.startsWith('daypass-'))).toEqual([])
  })

  test('within another one has the inner credential and one mark', async (context) => {
    needs(context, name)
    const one = person(name)
    await logIn(one, server, 'keys')
    await withKeys(one, 'keys')
    const inner = '"$NODE" "$CLI" shell keys'
    const shown = screen(one, ['shell', 'work'], shellOf(name, { DAYPASS: inner }))
    await shown.until('(daypass:work) ')
    shown.pty.write(`"$NODE" "$CLI" shell keys\r`)
    await shown.until('A shell as keys')
    await shown.until('What runs longer: daypass exec keys --endpoint -- CMD')
    await shown.until('(daypass:keys) ')
    await says(shown, 'echo "[$AWS_ACCESS_KEY_ID$OIDC_TOKEN]"', /\[ASIAEXAMPLE\]/)
    expect(plain(shown.text())).not.toContain('(daypass:keys) (daypass:')
    shown.pty.write('exit 3\r')
    await says(shown, 'echo "[$AWS_ACCESS_KEY_ID$OIDC_TOKEN]"', /\[at_\S+\]/)
    shown.pty.write('exit\r')
    expect((await shown.ended()).code).toBe(0)
  })

  test('lives on after a Ctrl-C, and so do we', async (context) => {
    needs(context, name)
    const shown = screen(person(name), ['shell'], shellOf(name))
    await shown.until('(daypass:work) ')
    // fish lets its jobs begin before they are in the foreground, where Ctrl-C reaches them.
    const look = 'set -- $(cat /proc/$$/stat)'
    const wait = `${look}; while [ "$5" != "$8" ]; do ${look}; done`
    // And dash, between two programs, may start the second all the same.
    await says(shown, `sh -c '${wait}; echo "rea""dy"; exec sleep 600'`, /ready/)
    shown.pty.write(CTRL_C)
    await says(shown, 'greet', new RegExp(`hello from ${name}`))
    shown.pty.write('exit 0\r')
    expect((await shown.ended()).code).toBe(0)
  })
})

test('zsh reads all of its own files, from where they are, and nothing of ours stays', async (context) => {
  needs(context, 'zsh')
  const one = person('zsh')
  const shown = screen(one, ['shell'], shellOf('zsh'))
  await shown.until('(daypass:work) ')
  await says(
    shown,
    'echo "[$ZDOTDIR $FROM_ZSHENV $DAYPASS_ZDOTDIR]"',
    new RegExp(`\\[${one.home}/zdot yes \\]`),
  )
  await says(shown, `echo "[\${+__daypass_ours}\${+__daypass_theirs}]"`, /\[00\]/)
  shown.pty.write('exit 0\r')
  expect((await shown.ended()).code).toBe(0)
})

test('daypass within it is of the same identity, whatever the default is', async (context) => {
  needs(context, 'bash')
  const one = person('bash')
  await logIn(one, server, 'other')
  await one.run(['use', 'other'])
  const shown = screen(one, ['shell', 'work'], shellOf('bash'))
  await shown.until('(daypass:work) ')
  const { stdout } = await one.run(['token', 'work'])
  expect((await says(shown, '"$NODE" "$CLI" token', /(at_\S+)/))[1]).toBe(stdout.trim())
  shown.pty.write('exit\r')
  await shown.ended()
})

test('another shell keeps its prompt, and a variable says whose it is', async () => {
  const shown = screen(copyOf(base), ['shell'], { env: { SHELL: '/bin/sh' } })
  await shown.until('Its prompt stays as it is; DAYPASS_SHELL_IDENTITY says whose shell it is.')
  await says(shown, 'echo "[$DAYPASS_SHELL_IDENTITY]"', /\[work\]/)
  shown.pty.write('exit 9\r')
  expect((await shown.ended()).code).toBe(9)
})

test('a token of the environment has a shell, too', async () => {
  const env = { SHELL: '/bin/sh', GITHUB_TOKEN: 'ghp_x', DAYPASS_HOME: '/nowhere' }
  const shown = screen(copyOf(base), ['shell'], { env })
  await shown.until('A shell as environment')
  await says(shown, 'echo "[$DAYPASS_SHELL_IDENTITY$DAYPASS_IDENTITY $GH_TOKEN]"', /\[environment ghp_x\]/)
  shown.pty.write('exit\r')
  expect((await shown.ended()).said).not.toContain('Its credential ends')
})

test('a tenant is chosen as exec does', async () => {
  const env = { SHELL: '/bin/sh', AUTOCOM_TOKEN: 'of-the-environment', DAYPASS_HOME: '/nowhere' }
  const shown = screen(copyOf(base), ['shell', '--tenant', 'acme'], { env })
  await shown.until('A shell as environment')
  await says(shown, 'echo "[$AUTOCOM_TENANT $AUTOCOM_TOKEN]"', /\[acme of-the-environment\]/)
  shown.pty.write('exit\r')
  expect((await shown.ended()).code).toBe(0)
  const none = await screen(copyOf(base), ['shell', 'work', '--tenant', 'acme']).ended()
  expect([none.code, none.said.includes('has no tenants')]).toEqual([2, true])
})

test('a login that is needed comes first', async () => {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  const shown = screen(one, ['shell', 'work'], { env: { SHELL: '/bin/sh', DISPLAY: ':9', BROWSER } })
  await shown.until('Logged in to')
  await says(shown, 'echo "[$OIDC_TOKEN]"', /\[at_\S+\]/)
  shown.pty.write('exit\r')
  expect((await shown.ended()).code).toBe(0)
})

test('a shell that there is not', async () => {
  const shown = screen(copyOf(base), ['shell'], { env: { SHELL: '/no/such/shell' } })
  const { code, said } = await shown.ended()
  expect(code).toBe(127)
  expect(said).toContain('there is no program "/no/such/shell"')
})

test('without a terminal there is no shell, and no renewal', async () => {
  const { code, stderr } = await copyOf(base).run(['shell', 'work'])
  expect([code, stderr]).toEqual([
    2,
    'error: a shell needs a terminal, and this is none\n  daypass exec work -- CMD\n',
  ])
})
