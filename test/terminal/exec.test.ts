/** `daypass exec` in a terminal: what a person types is the program's. */
import { expect, test } from 'vitest'
import { copyOf, loggedIn } from '../cli/story.ts'
import { BROWSER } from '../kit/cli.ts'
import { CTRL_C, insane, screen } from './pty.ts'

const { base } = await loggedIn()

const line = (script: string) => `"$NODE" "$CLI" exec -- "$NODE" -e '${script}'`

test('Ctrl-C reaches the program once, and we end when it does, as it does', async () => {
  // We get the second signal behind the first, and hand it on behind the first, if we hand that on.
  const script = `
    let heard = 0
    process.on("SIGINT", () => { heard += 1; if (heard === 1) process.kill(process.ppid, "SIGUSR2") })
    process.on("SIGUSR2", () => { console.log("in all " + heard); process.exit(7) })
    setTimeout(() => {}, 60000)
    console.log("rea" + "dy")`
  const shown = screen(copyOf(base), [], { line: line(script) })
  await shown.until('ready')
  shown.pty.write(CTRL_C)
  const { code, said } = await shown.ended()
  expect(said).toContain('in all 1\r\n')
  expect(code).toBe(7)
  expect(insane(shown.text())).toEqual([])
})

test('a program that Ctrl-C ends is 130', async () => {
  const shown = screen(copyOf(base), [], {
    line: line('setTimeout(() => {}, 60000); console.log("rea" + "dy")'),
  })
  await shown.until('ready')
  shown.pty.write(CTRL_C)
  expect((await shown.ended()).code).toBe(130)
})

test('Ctrl-\\ is the program’s, too', async () => {
  const script = `
    process.on("SIGQUIT", () => process.exit(9))
    setTimeout(() => {}, 60000)
    console.log("rea" + "dy")`
  const shown = screen(copyOf(base), [], { line: `trap : QUIT; ${line(script)}` })
  await shown.until('ready')
  shown.pty.write('\u001c')
  expect((await shown.ended()).code).toBe(9)
})

test('the program has the terminal: it asks, reads keys, and sees how wide it is', async () => {
  const script = `
    const { stdin, stdout } = process
    console.log("columns " + stdout.columns + " " + stdin.isTTY)
    stdin.setRawMode(true)
    stdin.once("data", (key) => { console.log("key " + key); stdin.setRawMode(false); process.exit(0) })
    console.log("rea" + "dy")`
  const shown = screen(copyOf(base), [], { line: line(script), columns: 123 })
  await shown.until('ready')
  shown.pty.write('k')
  const { code, said } = await shown.ended()
  expect(code).toBe(0)
  expect(said).toContain('columns 123 true')
  expect(said).toContain('key k')
})

test('a login that is needed starts and goes on, and then what is typed is the program’s', async () => {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  await one.run(['use', 'work'])
  const script = `
    const { createInterface } = require("node:readline")
    createInterface({ input: process.stdin }).once("line", (text) => {
      console.log("read <" + text + "> " + typeof process.env.OIDC_TOKEN)
      process.exit(5)
    })
    console.log("rea" + "dy")`
  const shown = screen(one, [], { line: line(script), env: { DISPLAY: ':9', BROWSER } })
  await shown.until('ready')
  shown.pty.write('every letter of it\r')
  const { code, said } = await shown.ended()
  expect(said).toContain('work needs a login: it was logged out.')
  expect(said).toContain('read <every letter of it> string')
  expect(code).toBe(5)
  expect(insane(shown.text())).toEqual([])
})

test.each([
  ['env', ['env', '--format', 'bash'], 0, "export OIDC_TOKEN='at_"],
  ['credential-process', ['credential-process', 'work'], 4, 'next: daypass login work'],
])('%s of one that needs a login', async (_, args, code, text) => {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  await one.run(['use', 'work'])
  const ended = await screen(one, args, { env: { DISPLAY: ':9', BROWSER } }).ended()
  expect(ended.code).toBe(code)
  expect(ended.said).toContain(text)
})
