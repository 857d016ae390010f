/** What Cloudinary's command line has kept, and what of it becomes an identity. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { cldImportSource } from '../../../src/tools/cloudinary/import.ts'
import { box } from '../../cli/story.ts'
import { failure, folderOf } from '../../vault/support.ts'
import { put } from '../aws/cli.ts'

const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000

/** As cld writes a login. */
const session = (cloud: string, region: string, refreshToken = 'hush-rt') =>
  `cloudinary://${cloud}?${new URLSearchParams({
    oauth_token: 'hush.at.jwt',
    refresh_token: refreshToken,
    issued_at: String(SECONDS - 100),
    expires_at: String(SECONDS + 200),
    region,
    issuer: 'https://oauth.cloudinary.com/',
    upload_prefix: `https://${region}.cloudinary.com`,
  })}`

const CONFIG = {
  acme: 'cloudinary://123456789012345:hush%2Fhush@acme',
  'acme-eu': 'cloudinary://123456789012345:hush@acme?upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com',
  own: 'cloudinary://1:hush@acme?upload_prefix=https%3A%2F%2Fimages.example.com',
  more: 'cloudinary://1:hush@acme?secure=true&cname=x',
  'acme-oauth': session('acme', 'api'),
  'other-eu': session('Other', 'api-eu', 'hush-rt2'),
  once: session('acme', 'api', ''),
  bare: 'cloudinary://acme',
  wrong: 'https://hush@example.com',
  number: 7,
  __default__: 'acme-oauth',
}

function cldIn(context: Parameters<typeof folderOf>[0], said: unknown = CONFIG) {
  const folder = folderOf(context)
  const path = join(folder, 'config.json')
  const text = put(path, typeof said === 'string' ? said : JSON.stringify(said, null, 2))
  const env = { CLOUDINARY_HOME: folder }
  const offer = (name: string) => cldImportSource.listCandidates(env).find((each) => each.name === name)!
  return { env, path, text, offer }
}

test('every account is offered or told why not; the default is told, and no secret is', (context) => {
  const { env, path, text } = cldIn(context)
  const offers = cldImportSource.listCandidates(env)
  const told = offers.map(({ name, what, take, rotates }) => {
    const how = rotates ? 'rotates' : take ? 'taken' : 'listed'
    return `${name}: ${what} (${how})`
  })
  expect(told).toEqual([
    'acme: the API key **** of acme (taken)',
    'acme-eu: the API key **** of acme (taken)',
    'own: the API key **** of acme, at an address of its own (listed)',
    'more: the API key **** of acme (taken)',
    'acme-oauth: the login to acme (rotates)',
    'other-eu: the login to Other (rotates)',
    'once: a login to acme that nobody can renew (listed)',
    'bare: an account without keys (listed)',
    'wrong: nothing that is an account (listed)',
    'number: nothing that is an account (listed)',
  ])
  expect(cldImportSource.findDefault!(env)).toBe('acme-oauth')
  const next = (name: string) => offers.find((each) => each.name === name)!.next
  expect(next('acme')).toBe(`the keys still stand in ${path}: remove them there when this works`)
  expect(next('more')).toMatch(/^not copied: its settings secure, cname; the keys still stand/)
  expect(offers.find(({ name }) => name === 'other-eu')!.rotates).toMatchObject({
    login: 'daypass login cloudinary other-eu --region api-eu',
    again: 'cld login other-eu --region api-eu',
  })
  expect(inspect(offers, { depth: 9 }) + JSON.stringify(offers)).not.toContain('hush')
  expect(fs.readFileSync(path, 'utf8')).toBe(text)
})

test('keys and logins, with their region and their times', async (context) => {
  const { offer, path } = cldIn(context)
  const take = (name: string) => offer(name).take!(NOW)
  const keys = (await take('acme'))!
  expect(keys).toMatchObject({
    provider: 'cloudinary',
    method: 'keys',
    params: {},
    account: { account: 'acme' },
  })
  expect(keys.grant.credential).toMatchObject({
    cloud: 'cloudinary',
    accessKeyId: '123456789012345',
    issuedAt: NOW,
  })
  expect(keys.grant.credential).toHaveProperty(
    'secretAccessKey',
    expect.toSatisfy((key) => key.equals('hush/hush')),
  )
  expect((await take('acme-eu'))!.params).toEqual({ region: 'api-eu' })
  const login = (await take('other-eu'))!
  expect(login).toMatchObject({
    method: 'browser',
    params: { region: 'api-eu' },
    account: { account: 'Other' },
  })
  expect(login.grant.credential).toMatchObject({
    kind: 'bearer',
    issuedAt: NOW - 100_000,
    expiresAt: NOW + 200_000,
  })
  expect(login.grant.refreshToken!.equals('hush-rt2')).toBe(true)
  // What was rotated since it was found is what is taken; logged out of there meanwhile, there is nothing.
  const late = offer('acme-oauth')
  put(path, fs.readFileSync(path, 'utf8').replace('hush-rt&', 'hush-later&'))
  expect((await late.take!(NOW))!.grant.refreshToken!.equals('hush-later')).toBe(true)
  put(path, '{}')
  expect(await late.take!(NOW)).toBe(undefined)
})

test.each([
  ['no file at all', undefined],
  ['an empty one', ''],
  ['no account', '{"__default__": "gone"}'],
])('%s is nothing found', async (_, text) => {
  const { env, path } = cldIn({ onTestFinished: (await import('vitest')).onTestFinished }, text ?? '')
  if (text === undefined) fs.rmSync(path)
  expect([cldImportSource.listCandidates(env), cldImportSource.findDefault!(env)]).toEqual([[], undefined])
})

test('a default that names no account is none', (context) => {
  const { env } = cldIn(context, { acme: CONFIG.acme, __default__: 'gone' })
  expect(cldImportSource.findDefault!(env)).toBe(undefined)
})

test('where it lies', () => {
  expect(cldImportSource.files({ HOME: '/h' })).toEqual(['/h/.cloudinary-cli/config.json'])
})

test.each(['{"acme": "cloudinary://1:hush@acme"', '["hush"]'])(
  'what cannot be read is said without a word of it: %j',
  async (text) => {
    const { env, path } = cldIn({ onTestFinished: (await import('vitest')).onTestFinished }, text)
    const { message, hint, cause } = await failure(() => cldImportSource.listCandidates(env), 'configuration')
    expect(message).toContain(path)
    expect(`${message}${hint}${inspect(cause)}`).not.toContain('hush')
  },
)

test('from the command line', async () => {
  const one = box()
  const path = join(one.home, '.cloudinary-cli/config.json')
  const evil = CONFIG['other-eu'].replace('region=api-eu', 'region=evil.example.com%2F')
  put(path, JSON.stringify({ ...CONFIG, evil }))
  const before = fs.readFileSync(path, 'utf8')
  const { stdout, stderr, code } = await one.run(['import', 'cld', '--take-over', '--json'])
  expect(code, stderr).toBe(0)
  const { found, chosen } = JSON.parse(stdout) as { found: Record<string, string>[]; chosen: string }
  expect(chosen).toBe('acme-oauth')
  expect(Object.fromEntries(found.map(({ profile, outcome }) => [profile, outcome]))).toEqual({
    acme: 'kept',
    'acme-eu': 'kept',
    own: 'listed',
    more: 'kept',
    'acme-oauth': 'kept',
    'other-eu': 'kept',
    once: 'listed',
    bare: 'listed',
    wrong: 'listed',
    number: 'listed',
    evil: 'listed',
  })
  expect(stderr).toContain('cld uses acme-oauth where nothing is named; here: daypass use acme-oauth\n')
  expect(stderr).toContain('! the session of acme-oauth is renewed by daypass now: cld will have to log in')
  const { identities } = JSON.parse((await one.run(['list', '--json'])).stdout)
  expect(identities).toMatchObject([
    { name: 'acme', kind: 'cloudinary/account', method: 'keys', account: 'acme', default: false },
    { name: 'acme-eu', region: 'api-eu' },
    { name: 'acme-oauth', method: 'browser', state: 'valid' },
    { name: 'more' },
    { name: 'other-eu', account: 'Other' },
  ])
  const { stdout: url } = await one.run(['env', 'acme', '--format', 'json'])
  expect(JSON.parse(url)).toMatchObject({ CLOUDINARY_URL: 'cloudinary://123456789012345:hush%2Fhush@acme' })
  expect([fs.readFileSync(path, 'utf8'), fs.readdirSync(join(one.home, '.cloudinary-cli'))]).toEqual([
    before,
    ['config.json'],
  ])
  expect(stderr + stdout).not.toContain('hush')
})
