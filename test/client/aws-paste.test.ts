/** Signing in with a browser on another machine: the cross-device client, its page, and what is carried over by hand. */
import { describe, expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { ADA, type Cloud, cloud, MINUTE, renewals } from './aws-context.ts'
import { failureOf, gate } from './client-context.ts'

const SAME = 'arn:aws:signin:::devtools/same-device'
const CROSS = 'arn:aws:signin:::devtools/cross-device'

/** What the page shows to whoever opens the address. */
async function shownAt(url: string): Promise<string> {
  const { body } = await scriptedBrowser().visit(url)
  return body.match(/<code id="paste">([^<]+)<\/code>/)![1]!
}

const addressIn = (text: string) => text.match(/http\S+\/v1\/authorize\S+/)?.[0]

/** The last address that was said. */
const address = async (w: Cloud) => (await w.heard(/http\S+\/v1\/authorize\S+/))[0]

const decoded = (blob: string) => Buffer.from(blob, 'base64').toString()
const FORMS: Record<string, (blob: string) => string> = {
  'as it is': (blob) => blob,
  'in base64url without padding': (blob) => Buffer.from(blob, 'base64').toString('base64url'),
  'wrapped over lines': (blob) => blob.match(/.{1,64}/g)!.join('\r\n'),
  'in quotes, with spaces around': (blob) => `  "${blob}"  `,
  'as the query that it stands for': decoded,
}

/** A person who opens the page and pastes what it shows, in some form, after some mistakes. */
async function byPaste(form: (blob: string) => string, { interactive = true, before = [] as string[] } = {}) {
  const told = gate()
  const page: { blob?: string } = {}
  const types = [
    ...before,
    (async () => {
      await told.opened
      return form(page.blob!)
    }) as never,
  ]
  const w = await cloud({}, { interactive, types, env: { AWS_REGION: 'us-east-1' } })
  const login = w.login('aws', { name: 'work', method: 'paste' })
  login.catch(() => undefined)
  const url = await address(w)
  page.blob = await shownAt(url)
  told.open()
  return { w, login, url, blob: page.blob }
}

describe('a pasted code', () => {
  test.each(Object.entries(FORMS))('logs in %s', async (_, form) => {
    for (const interactive of [true, false]) {
      const { w, login, url } = await byPaste(form, { interactive })
      await login
      const asked = new URL(url).searchParams
      expect(asked.get('client_id')).toBe(CROSS)
      expect(asked.get('redirect_uri')).toBe(`${w.aws.url}/v1/sessions/confirmation`)
      expect(asked.get('code_challenge_method')).toBe('SHA-256')
      expect(await w.caller('work')).toBe(ADA)
      expect(await w.row('work')).toMatchObject({ method: 'paste' })
      expect(w.browser.opened).toEqual([])
      expect(w.aws.stats().refusals).toEqual([])
    }
  })

  test('of another login is refused, said and asked for again on a terminal', async () => {
    const other = Buffer.from('state=of-another-login&code=abcdef').toString('base64')
    const { w, login } = await byPaste((blob) => blob, { before: [other] })
    await login
    expect(w.said).toContainEqual(
      'That is not the answer to this login: state does not belong to this login. Try again.',
    )
    expect(w.aws.stats().by.code).toBe(1)
  })

  test('of another login ends a login from a pipe, before anything is sent', async () => {
    const { w, login } = await byPaste(
      (blob) =>
        Buffer.from(decoded(blob).replace(/state=[^&]+/, 'state=of-another-login')).toString('base64'),
      { interactive: false },
    )
    expect(await failureOf(login)).toMatchObject({
      code: 'usage',
      message: 'that is not the answer to this login: state does not belong to this login',
    })
    expect(w.aws.stats().by.code).toBeUndefined()
  })

  test('that never comes is exit 4', async () => {
    const w = await cloud()
    expect(await failureOf(w.login('aws', { name: 'work', method: 'paste' }))).toMatchObject({
      code: 'login_required',
    })
  })
})

describe('a login in two steps', () => {
  const start = async () => {
    const w = await cloud()
    const started = await w.daypass.startLogin('aws', { name: 'work' })
    return { w, started, blob: await shownAt(started.url) }
  }

  test('says that a code has to be handed in, and takes it', async () => {
    const { w, started, blob } = await start()
    expect(started.pasted).toBe(true)
    expect(new URL(started.url).searchParams.get('client_id')).toBe(CROSS)
    expect(await failureOf(w.daypass.finishLogin(started.id))).toMatchObject({
      code: 'usage',
      hint: 'hand it in with --code TEXT',
    })
    await w.daypass.finishLogin(started.id, { pasted: blob })
    expect(await w.caller('work')).toBe(ADA)
    expect(await w.row('work')).toMatchObject({ method: 'paste' })
    expect(await failureOf(w.daypass.finishLogin(started.id, { pasted: blob }))).toMatchObject({
      code: 'not_found',
    })
  })

  test('stays pending after a wrong answer', async () => {
    const { w, started, blob } = await start()
    const other = await w.daypass.startLogin('aws', { name: 'other' })
    const wrong = await shownAt(other.url)
    expect(await failureOf(w.daypass.finishLogin(started.id, { pasted: wrong }))).toMatchObject({
      code: 'usage',
      message: 'that is not the answer to this login: state does not belong to this login',
    })
    await w.daypass.finishLogin(started.id, { pasted: blob })
    await w.daypass.finishLogin(other.id, { pasted: wrong })
    expect(await w.caller('other')).toBe(ADA)
  })

  test('is over after fifteen minutes', async () => {
    const { w, started, blob } = await start()
    w.advance(15 * MINUTE)
    expect(await failureOf(w.daypass.finishLogin(started.id, { pasted: blob }))).toMatchObject({
      code: 'not_found',
    })
    expect(await w.vault.sealed.names()).toEqual([])
  })

  test('refuses someone who it is not to be, and keeps nothing', async () => {
    const config = { auth: { identities: { work: { kind: 'aws/user', account_id: '999988887777' } } } }
    const w = await cloud({}, { config })
    const { id, url } = await w.daypass.startLogin('work')
    const pasted = await shownAt(url)
    expect(await failureOf(w.daypass.finishLogin(id, { pasted }))).toMatchObject({ code: 'refused' })
    expect(await w.vault.names()).toEqual([])
  })
})

test('each login has the client of its way, and each renewal the client of its login', async () => {
  const { w, login } = await byPaste((blob) => blob)
  await login
  const clients = async () => {
    w.advance(11 * MINUTE)
    await w.keys('work')
    return [(await w.header('work')).clientId, ...w.aws.stats().sessions.map(({ clientId }) => clientId)]
  }
  expect(await clients()).toEqual([CROSS, CROSS])
  await w.login('work', { method: 'browser' })
  expect(await clients()).toEqual([SAME, CROSS, SAME])
  const { id, url } = await w.daypass.startLogin('work')
  await w.daypass.finishLogin(id, { pasted: await shownAt(url) })
  expect(await clients()).toEqual([CROSS, CROSS, SAME, CROSS])
  await w.login('work', { method: 'browser' })
  expect(await clients()).toEqual([SAME, CROSS, SAME, CROSS, SAME])
  expect(renewals(w.aws)).toEqual([1, 1, 1, 1])
  expect(w.aws.stats().refusals).toEqual([])
  expect(addressIn(w.said.join('\n'))).toBeDefined()
})
