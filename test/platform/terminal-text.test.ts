/** Whatever is written to the terminal by any of its ways was cleaned: text of servers, folders, files and variables. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createNodeTerminal, paintOwn } from '../../src/platform/terminal.ts'

const NASTY = 'a\u001b[31mb\u009bc\u202ed\u200be\u2066f\ufeffg'
const HARMFUL = /[\u001b\u0080-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/

function watched(quiet = false) {
  const stderr = new PassThrough()
  const stdin = new PassThrough()
  const terminal = createNodeTerminal({
    stdin: stdin as never,
    stderr: stderr as never,
    quiet,
    interactive: false,
  })
  return { terminal, text: () => String(stderr.read() ?? '') }
}

test('say, warn and what is busy show nothing that a terminal obeys', () => {
  const { terminal, text } = watched()
  terminal.say(NASTY)
  terminal.warn(NASTY)
  terminal.busy(NASTY)()
  const shown = text()
  expect(shown).toContain('a')
  expect(shown).not.toMatch(HARMFUL)
})

test('our own colours pass, and strangers cannot borrow them', () => {
  const { terminal, text } = watched()
  terminal.say(paintOwn(NASTY, (clean) => `\u001b[32m${clean}\u001b[39m`))
  const shown = text()
  expect(shown.startsWith('\u001b[32m')).toBe(true)
  expect(shown.replace('\u001b[32m', '').replace('\u001b[39m', '')).not.toMatch(HARMFUL)
})
