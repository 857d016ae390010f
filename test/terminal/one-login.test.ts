/** Several terminals that need the same person at once: one login opens, and the others wait for it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { at, copyOf, filesBelow, loggedIn } from '../cli/story.ts'
import { BROWSER, type Sandbox } from '../kit/cli.ts'
import { CTRL_C, insane, PASTE_ON, type Screen, screen } from './pty.ts'

const { server, base } = await loggedIn()

/** A browser that opens, and a person who looks elsewhere. */
const UNATTENDED = { DISPLAY: ':9', BROWSER: '/bin/true' }

async function loggedOut(): Promise<Sandbox> {
  const one = copyOf(base)
  await one.run(['logout', 'work', '--local-only'])
  await one.run(['use', 'work'])
  return one
}

const needing = (one: Sandbox, ...words: string[]) =>
  screen(one, words.length > 0 ? words : ['token'], { env: UNATTENDED })

const PAGE = /http:\S+\/authorize\?\S+/
const WAITING = /work is being logged in by process (\d+) \((daypass [\w ]+…?)\); waiting for that\./

/** The process that has the page open, as its note says. */
const holderOf = ({ daypassHome }: Sandbox): number =>
  JSON.parse(readFileSync(join(daypassHome, 'logins/work.holder'), 'utf8')).pid

async function opened(shown: Screen): Promise<string> {
  const [url] = await shown.until(PAGE)
  await shown.until(PASTE_ON)
  return url
}

const answer = (url: string) => scriptedBrowser().visit(url)

test('one login opens, the other waits for it, says whose it is, and has what comes of it', async () => {
  const one = await loggedOut()
  const { exchanges } = server.stats()
  const first = needing(one, 'exec', '--', 'printenv', 'OIDC_TOKEN')
  const url = await opened(first)
  const second = needing(one)
  const [, pid, verb] = await second.until(WAITING)
  expect([Number(pid), verb]).toEqual([holderOf(one), 'daypass exec …'])
  await answer(url)
  const ended = await Promise.all([first.ended(), second.ended()])
  expect(ended.map(({ code }) => code)).toEqual([0, 0])
  const tokens = ended.map(({ said }) => said.match(/(at_[\w-]+)\r\n$/)?.[1])
  expect(tokens[0]).toMatch(/^at_/)
  expect(tokens[1]).toBe(tokens[0])
  expect(second.text()).not.toMatch(PAGE)
  expect(server.stats().exchanges).toBe(exchanges + 1)
  expect(insane(second.text())).toEqual([])
  expect(
    [...filesBelow(join(one.daypassHome, 'logins')).keys()].map((path) => path.split('/').at(-1)),
  ).toEqual(['work.lock'])
})

test('twelve that come at once open one page, and all have the same token', async () => {
  const one = await loggedOut()
  const { exchanges } = server.stats()
  const all = Array.from({ length: 12 }, () => needing(one))
  const first = await Promise.race(all.map((shown) => shown.until(PASTE_ON).then(() => shown)))
  const waiting = all.filter((shown) => shown !== first)
  await Promise.all(waiting.map((shown) => shown.until(WAITING)))
  await answer(await opened(first))
  const ended = await Promise.all(all.map((shown) => shown.ended()))
  expect(ended.map(({ code }) => code)).toEqual(Array(12).fill(0))
  expect(new Set(ended.map(({ said }) => said.match(/(at_[\w-]+)\r\n$/)?.[1])).size).toBe(1)
  expect(all.filter((shown) => PAGE.test(shown.text()))).toEqual([first])
  expect(server.stats().exchanges).toBe(exchanges + 1)
})

test('Ctrl-C ends the waiting, and the login goes on', async () => {
  const one = await loggedOut()
  const first = needing(one)
  const url = await opened(first)
  const second = needing(one)
  await second.until(WAITING)
  second.pty.write(CTRL_C)
  expect((await second.ended()).code).toBe(130)
  expect(insane(second.text())).toEqual([])
  await answer(url)
  expect((await first.ended()).code).toBe(0)
})

test('a login that is given up ends the waiting, and holds the next one back until it is typed', async () => {
  const one = await loggedOut()
  const first = needing(one)
  await opened(first)
  const second = needing(one)
  await second.until(WAITING)
  first.pty.write(CTRL_C)
  expect((await first.ended()).code).toBe(130)
  const waited = await second.ended()
  expect(waited.code).toBe(4)
  expect(waited.said).toContain(
    'work needs a login, and nobody answered the last one; the next opens by itself in ',
  )
  const third = await needing(one).ended()
  expect(third.code).toBe(4)
  expect(third.said).toMatch(/opens by itself in (1m|\d+s)\r\n {2}daypass login work\r\n/)
  const typed = await screen(one, ['login', 'work'], { env: { ...UNATTENDED, BROWSER } }).ended()
  expect(typed.code, typed.said).toBe(0)
  expect((await needing(one).ended()).code).toBe(0)
})

test('after three unanswered logins none opens any more', async () => {
  const one = await loggedOut()
  const note = join(one.daypassHome, 'logins/work.json')
  for (const count of [1, 2, 3]) {
    const shown = needing(one)
    await opened(shown)
    shown.pty.write(CTRL_C)
    expect((await shown.ended()).code).toBe(130)
    const left = JSON.parse(readFileSync(note, 'utf8'))
    expect(left.count).toBe(count)
    writeFileSync(note, JSON.stringify({ ...left, at: left.at - 24 * 3_600_000 }))
  }
  const { code, said } = await needing(one).ended()
  expect(code).toBe(4)
  expect(said).toContain('work needs a login, and nobody answered the last 3; no other opens by itself')
  // To give up a login that was typed is no reason to hold anybody back.
  const typed = screen(one, ['login', 'work'], { env: UNATTENDED })
  await opened(typed)
  typed.pty.write(CTRL_C)
  await typed.ended()
  const again = needing(one)
  await answer(await opened(again))
  expect((await again.ended()).code).toBe(0)
})

test('where the one with the page is killed, one that waits opens another, and no more than three in all', async () => {
  const one = await loggedOut()
  const all = [needing(one)]
  await opened(all[0]!)
  const waiting = [1, 2, 3].map(() => needing(one))
  await Promise.all(waiting.map((shown) => shown.until(WAITING)))
  all.push(...waiting)
  const withPage = () => all.filter((shown) => PAGE.test(shown.text()))
  for (const pages of [1, 2, 3]) {
    await expect.poll(() => withPage().length).toBe(pages)
    await expect.poll(() => existsSync(join(one.daypassHome, 'logins/work.holder'))).toBe(true)
    process.kill(holderOf(one), 'SIGKILL')
  }
  const ended = await Promise.all(all.map((shown) => shown.ended()))
  expect(ended.map(({ code }) => code).sort()).toEqual([137, 137, 137, 4])
  expect(withPage()).toHaveLength(3)
  expect(ended.find(({ code }) => code === 4)!.said).toContain('nobody answered the last 3')
})

test('a login that is typed does not wait, and its result ends the waiting of the others', async () => {
  const one = await loggedOut()
  const first = needing(one, 'env', '--format', 'json')
  await opened(first)
  const second = needing(one)
  await second.until(WAITING)
  const typed = screen(one, ['login', 'work'], { env: { ...UNATTENDED, BROWSER } })
  await typed.until(/work is being logged in by process \d+ \(daypass env\), too\./)
  expect((await typed.ended()).code).toBe(0)
  expect((await second.ended()).code).toBe(0)
  first.pty.write(CTRL_C)
  await first.ended()
})

test('others wait for one that was typed', async () => {
  const one = await loggedOut()
  const typed = screen(one, ['login', 'work'], { env: UNATTENDED })
  const url = await opened(typed)
  const other = needing(one)
  const [, , verb] = await other.until(WAITING)
  expect(verb).toBe('daypass login')
  await answer(url)
  expect((await typed.ended()).code).toBe(0)
  expect((await other.ended()).code).toBe(0)
})

test('of a role and the login that it is made from, one page opens', async () => {
  const one = await loggedOut()
  writeFileSync(
    join(one.daypassHome, 'config.yaml'),
    `auth: {identities: {
      admin: {kind: aws/assume-role, via: {identity: work}, principal: {role_arn: "arn:aws:iam::111122223333:role/A"}}
    }}\n`,
  )
  const first = needing(one)
  const url = await opened(first)
  const second = needing(one, 'env', 'admin')
  await second.until(WAITING)
  await answer(url)
  expect((await first.ended()).code).toBe(0)
  // A role of a login that has no keys: the waiting was over, and that is said.
  expect((await second.ended()).said).toContain('a role is made from keys')
})

test('another identity opens a page of its own', async () => {
  const one = await loggedOut()
  mkdirSync(one.daypassHome, { recursive: true })
  await one.run(['login', 'oidc', 'other', ...at(server)], { env: { BROWSER } })
  await one.run(['logout', 'other', '--local-only'])
  const first = needing(one)
  await opened(first)
  const second = needing(one, 'token', 'other')
  await answer(await opened(second))
  expect((await second.ended()).code).toBe(0)
  first.pty.write(CTRL_C)
  await first.ended()
})
