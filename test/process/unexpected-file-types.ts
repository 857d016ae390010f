/** Something else in the place of a file of ours, in homes that are copies of one. */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { copyOf } from '../cli/story.ts'
import type { Result, Sandbox } from '../kit/cli.ts'
import { fewAtATime } from '../kit/steps.ts'

export type Misplace = (vault: string) => unknown
export type Row = [title: string, misplace: Misplace, message: RegExp, hint: RegExp]

export const read = (vault: string, name: string) => readFileSync(join(vault, name), 'utf8')
export const write = (vault: string, name: string, text: string) =>
  writeFileSync(join(vault, name), text, { mode: 0o600 })
export const keyIn = (vault: string) => readdirSync(vault).find((name) => name.startsWith('key-'))!

/** Puts something else in a file's place; what was there lies beside the vault. */
const IN_ITS_PLACE = {
  fifo: (path: string) => void execFileSync('mkfifo', [path]),
  folder: (path: string) => void mkdirSync(path),
  link: (path: string, was: string) => symlinkSync(was, path),
}
export type Thing = keyof typeof IN_ITS_PLACE

export function replace(vault: string, name: string, by: Thing): void {
  const [path, was] = [join(vault, name), join(dirname(vault), 'was')]
  if (statSync(path, { throwIfNoEntry: false })) renameSync(path, was)
  IN_ITS_PLACE[by](path, was)
}

export function expectTold({ code, stdout, stderr }: Result, [title, , message, hint]: Row): void {
  expect({ title, code, stdout }, stderr).toEqual({ title, code: 5, stdout: '' })
  const [said = '', next = '', ...more] = stderr.trimEnd().split('\n')
  expect(said, title).toMatch(/^error: .*[^.]$/)
  expect(said, title).toMatch(message)
  expect(next, title).toMatch(hint)
  expect(more, title).toEqual([])
}

/** Each in a home of its own. */
export const all = (base: Sandbox, rows: readonly Row[], work: (one: Sandbox, row: Row) => Promise<void>) =>
  fewAtATime(rows, async (row) => {
    const one = copyOf(base)
    await row[1](vaultOf(one))
    await work(one, row)
  })

export const LOGIN = /daypass login work \(the old record is moved aside, not deleted\)/

export const LOOK = /look at it: ls -l \S+$/

export const vaultOf = ({ daypassHome }: Sandbox) => join(daypassHome, 'vault')
