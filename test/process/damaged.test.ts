/** A record that is damaged, exchanged or no record: never "not logged in", and nothing is lost of it. */
import { chownSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/testing/index.ts'
import { copyOf, filesBelow, logIn } from '../cli/story.ts'
import { type Sandbox, sandbox } from '../kit/cli.ts'
import { skipLoudly } from '../vault/support.ts'
import { inProcess } from './data-dir.ts'
import {
  all,
  expectTold,
  keyIn,
  LOGIN,
  LOOK,
  type Row,
  read,
  replace,
  vaultOf,
  write,
} from './unexpected-file-types.ts'

let server: AuthorizationServer
let base: Sandbox
beforeAll(async () => {
  // Copies of one login renew it independently of each other.
  server = await startAuthorizationServer({ refresh: 'reusable' })
  base = sandbox()
  for (const name of ['work', 'other']) await logIn(base, server, name)
})
afterAll(async () => {
  await base.remove()
  await server.close()
})

const edited = (edit: (text: string) => string) => (vault: string) =>
  write(vault, 'work.grant', edit(read(vault, 'work.grant')))
const cutTo = (length: (text: string) => number) => edited((text) => text.slice(0, length(text)))
const headerOf = (text: string) => text.indexOf('\n')

const RECORDS: Row[] = [
  ['nothing in it', cutTo(() => 0), /`work` cannot be opened: it is empty/, LOGIN],
  ['one byte', cutTo(() => 1), /it was cut short/, LOGIN],
  ['half a header', cutTo((text) => headerOf(text) / 2), /it was cut short/, LOGIN],
  ['a header without its end', cutTo(headerOf), /it was cut short/, LOGIN],
  ['a header alone', cutTo((text) => headerOf(text) + 1), /it was cut short/, LOGIN],
  ['half a body', cutTo((text) => (headerOf(text) + text.length) / 2), /it was cut short/, LOGIN],
  ['no end', cutTo((text) => text.length - 1), /it was cut short/, LOGIN],
  ['half a body with an end', edited((text) => `${text.slice(0, -40)}\n`), /its body was changed/, LOGIN],
  ['more lines', edited((text) => `${text}${text}`), /more lines than a record/, LOGIN],
  [
    'another time',
    edited((text) => text.replace(/"expiresAt":\d/, '"expiresAt":9')),
    /it was changed/,
    LOGIN,
  ],
  ['a newer version', edited((text) => text.replace('"v":2', '"v":3')), /a newer daypass/, /update daypass/],
  [
    'another one',
    (vault) => write(vault, 'work.grant', read(vault, 'other.grant')),
    /belongs to another identity/,
    LOGIN,
  ],
  [
    'another one under its name',
    (vault) =>
      write(vault, 'work.grant', read(vault, 'other.grant').replace('"name":"other"', '"name":"work"')),
    /it was changed, or sealed with another key/,
    LOGIN,
  ],
  ['a pipe', (vault) => replace(vault, 'work.grant', 'fifo'), /is refused: it is not a file/, LOOK],
  ['a folder', (vault) => replace(vault, 'work.grant', 'folder'), /is refused: it is not a file/, LOOK],
  ['a link', (vault) => replace(vault, 'work.grant', 'link'), /is refused: it is a symbolic link/, LOOK],
]

const loginAgain = (one: Sandbox) =>
  inProcess(one).login('oidc', {
    name: 'work',
    given: { params: { issuer: server.issuer }, clientId: server.clientId },
    method: 'browser',
  })

test('a record that is cut, changed, exchanged or no file is told, hides no other, and stays until a login moves it aside', async () => {
  await all(base, RECORDS, async (one, row) => {
    const [title] = row
    const before = filesBelow(vaultOf(one))
    expectTold(await one.run(['token', 'work']), row)
    const { identities } = await inProcess(one).list()
    expect(
      identities.map((each) => each.row.name),
      title,
    ).toContain('other')
    expect(filesBelow(vaultOf(one)), title).toEqual(before)

    await loginAgain(one)
    const aside = readdirSync(vaultOf(one)).filter((name) => name.startsWith('work.grant.unreadable-'))
    expect(aside, title).toHaveLength(1)
    const was = before.get(join(vaultOf(one), 'work.grant'))
    expect(filesBelow(vaultOf(one)).get(join(vaultOf(one), aside[0]!)), title).toBe(was)
    expect((await inProcess(one).status('work')).row.state).toBe('valid')
  })
})

test('a record of another user is refused, and stays until a login moves it aside', async (context) => {
  if (process.getuid?.() !== 0) skipLoudly(context, 'a record of another user (only root can make one)')
  const one = copyOf(base)
  chownSync(join(vaultOf(one), 'work.grant'), 65_534, 65_534)
  for (const verb of ['token', 'refresh', 'status']) {
    const { code, stdout, stderr } = await one.run([verb, 'work'])
    expect([code, stdout]).toEqual([6, ''])
    expect(stderr).toMatch(
      /work\.grant is refused: it belongs to another user \(uid 65534\)\n.*chown root \S+work\.grant/,
    )
  }
  await loginAgain(one)
  expect((await one.run(['token', 'work'])).code).toBe(0)
  expect(readdirSync(vaultOf(one)).filter((name) => name.includes('.unreadable-'))).toHaveLength(1)
})

const BACKUP = /bring it back from a backup, or give it up: remove \S+vault\.json and log in again/
const KEYS: Row[] = [
  ['no key', (vault) => rmSync(join(vault, keyIn(vault))), /the key file \S+ is missing/, BACKUP],
  ['half a key', (vault) => write(vault, keyIn(vault), 'c2hvcnQ=\n'), /the key file \S+ is damaged/, BACKUP],
  ['a pipe', (vault) => replace(vault, keyIn(vault), 'fifo'), /is refused: it is not a file/, LOOK],
  ['a folder', (vault) => replace(vault, keyIn(vault), 'folder'), /is refused: it is not a file/, LOOK],
  ['a link', (vault) => replace(vault, keyIn(vault), 'link'), /is refused: it is a symbolic link/, LOOK],
]

test('a key that is gone, damaged or no file is told before anyone is sent to a browser, and no second one is made', async () => {
  await all(base, KEYS, async (one, row) => {
    const before = filesBelow(vaultOf(one))
    const verbs = [
      ['token', 'work'],
      ['refresh', 'work', '--force'],
      ['login', 'work'],
    ]
    for (const result of await Promise.all(verbs.map((args) => one.run(args)))) expectTold(result, row)
    expect(filesBelow(vaultOf(one)), row[0]).toEqual(before)
  })
})

test('another key opens nothing, and what it does not open stays', async () => {
  const one = copyOf(base)
  const key = keyIn(vaultOf(one))
  const right = read(vaultOf(one), key)
  const record = read(vaultOf(one), 'work.grant')
  write(vaultOf(one), key, `${Buffer.alloc(32, 7).toString('base64')}\n`)
  const told: Row = ['', () => undefined, /it was changed, or sealed with another key/, LOGIN]
  for (const args of [
    ['token', 'work'],
    ['refresh', 'work', '--force'],
  ])
    expectTold(await one.run(args), told)
  expect((await one.run(['list'])).stdout).toMatch(/^work .* valid /m)
  expect(read(vaultOf(one), 'work.grant')).toBe(record)
  write(vaultOf(one), key, right)
  expect((await one.run(['token', 'work'])).code).toBe(0)
})
