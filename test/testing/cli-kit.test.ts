import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { type Sandbox, sandbox } from '../kit/cli.ts'
import { matches, runScript, splitWords } from '../kit/script.ts'

const boxes: Sandbox[] = []

function box(env?: Record<string, string>): Sandbox {
  const made = sandbox(env)
  boxes.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(boxes.splice(0).map((one) => one.remove()))
})

const node = { program: [process.execPath] }
const script = (code: string): string[] => ['-e', code]

describe('a sandbox', () => {
  test('inherits nothing of the real environment', async () => {
    const kept = { ...process.env }
    Object.assign(process.env, {
      CI: '1',
      BROWSER: 'x',
      DISPLAY: ':9',
      GITHUB_TOKEN: 't',
      NODE_EXTRA_CA_CERTS: '/x',
    })
    const one = box({ MINE: '1' })
    const { stdout } = await one.run(script('console.log(JSON.stringify(process.env))'), node)
    process.env = kept
    const seen = JSON.parse(stdout)
    expect(Object.keys(seen).sort()).toEqual(
      ['DAYPASS_HOME', 'DAYPASS_STORE', 'HOME', 'LANG', 'MINE', 'PATH', 'TMPDIR', 'TZ'].sort(),
    )
    expect(seen.HOME).toBe(one.home)
  })

  test('gives code, signal, both streams and the input', async () => {
    const echo = script('process.stdin.pipe(process.stdout); console.error("e"); process.exitCode = 7')
    expect(await box().run(echo, { ...node, input: 'in' })).toEqual({
      code: 7,
      signal: null,
      stdout: 'in',
      stderr: 'e\n',
    })
    const hanging = { ...node, timeout: 200 }
    expect(await box().run(script('setInterval(() => {}, 1000)'), hanging)).toMatchObject({
      code: null,
      signal: 'SIGKILL',
    })
  })

  test('waits for what a long-running program says, and ends it with the folder', async () => {
    const one = box()
    const running = one.start(script('console.error("ready at 42"); setInterval(() => {}, 1000)'), node)
    expect((await running.waitFor(/at (\d+)/))[1]).toBe('42')
    await expect(running.waitFor(/never/, 50)).rejects.toThrow('not seen within 50 ms')
    await one.remove()
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' })
    expect(existsSync(one.home)).toBe(false)
  })

  test('a wait ends when the program does', async () => {
    const running = box().start(script('process.exitCode = 3'), node)
    await expect(running.waitFor(/never/)).rejects.toThrow('the program ended (3)')
  })
})

describe('a script of commands', () => {
  test('runs, with variables, input, both streams and exit codes', async () => {
    const text = `
# a remark
$ GREETING=hello
$ node -e "console.log(process.env.GREETING, '\${WHO}'); console.error('warm')"
hello world
[stderr] w...
$ node -e 'process.stdin.pipe(process.stdout)'
< one
< two
one
...
$ node -e 'for (const x of [1,2,3,4]) console.log("line", x); process.exit(4)'
line 1
...
line ...
[exit 4]
`
    await runScript(text, { WHO: 'world' })
  })

  test.each([
    ['another line', `$ node -e 'console.log(1)'\n2`, 'stdout is not'],
    ['a line too many', `$ node -e 'console.log(1)'`, 'stdout is not'],
    ['a line too few', `$ node -e ''\nx`, 'stdout is not'],
    ['stderr', `$ node -e 'console.error(1)'\n[stderr] 2`, 'stderr is not'],
    ['the exit', `$ node -e 'process.exit(3)'`, 'exit 3, expected 0'],
    ['text before a command', 'x', 'text before the first command'],
  ])('says where it differs: %s', async (_, text, complaint) => {
    await expect(runScript(text)).rejects.toThrow(complaint)
    await expect(runScript(text)).rejects.toThrow('line 1')
  })

  test('words and wildcards', () => {
    expect(splitWords(`a 'b c' "d \\"e" f\\ g x='1 2'`)).toEqual(['a', 'b c', 'd "e', 'f g', 'x=1 2'])
    expect(matches(['a ... c', '...', 'z'], 'a b c\n1\n\n2\nz\n')).toBe(true)
    expect(matches(['a.c'], 'abc\n')).toBe(false)
    expect(matches(['...'], '')).toBe(true)
    expect(matches(['a'], 'a\nb\n')).toBe(false)
  })
})
