/** Accounts of Cloudinary by API keys, beside those by login; and what `CLOUDINARY_URL` says. */
import { describe, expect, test } from 'vitest'
import type { KeysCredential } from '../../src/core/types.ts'
import { parseCloudinaryUrl } from '../../src/providers/cloudinary/url.ts'
import { failureOf } from './client-context.ts'
import { cloud } from './cloudinary-context.ts'

const KEY = '874837483274837'
const SECRET = 'a676b67565c6767a6767d6767f676fe1'
const URL_OF = `cloudinary://${KEY}:${SECRET}@acme`
const WRONG = URL_OF.replace(SECRET, 'of-somebody-else')

describe('keys that a login keeps', () => {
  test.each([
    ['their URL', URL_OF],
    ['the line of the console', `CLOUDINARY_URL=${URL_OF}`],
    ['the line of a shell', `export CLOUDINARY_URL="${URL_OF}"`],
    ['JSON', JSON.stringify({ cloud_name: 'acme', api_key: KEY, api_secret: SECRET })],
  ])('come as %s, are shown to the API, and called after their cloud', async (_, text) => {
    const w = await cloud({}, { types: [text] })
    const { header } = await w.login({ method: 'keys' })
    expect(header).toMatchObject({
      name: 'acme',
      method: 'keys',
      account: { account: 'acme' },
      renewable: false,
    })
    expect(w.cloudinary.seen()).toMatchObject([{ path: '/v1_1/acme/ping', by: 'Basic', status: 200 }])
    expect((await w.daypass.credential('acme')) as KeysCredential).toMatchObject({
      kind: 'keys',
      cloud: 'cloudinary',
      accessKeyId: KEY,
    })
    expect(await w.row('acme')).toMatchObject({ state: 'valid', account: 'acme', expires_at: null })
    expect(w.browser.opened).toEqual([])
  })

  test('are asked for on a terminal without an echo', async () => {
    const w = await cloud({}, { interactive: true, types: [URL_OF] })
    await w.login({ method: 'keys' })
    expect(w.asked).toEqual(['Paste the keys of Cloudinary, as cloudinary://KEY:SECRET@CLOUD (not shown):'])
    expect(await w.vault.names()).toEqual(['acme'])
  })

  test('that the API refuses are not kept, and what was kept before stays', async () => {
    const w = await cloud({}, { types: [URL_OF, WRONG, URL_OF.replace('@acme', '@other')] })
    await w.login({ method: 'keys' })
    for (const name of ['acme', 'other']) {
      const error = await failureOf(w.login({ method: 'keys', name }))
      expect(error).toMatchObject({
        code: 'login_required',
        message: `${new URL(w.cloudinary.apiUrl).host} does not take these keys (401)`,
        hint: 'hand in other keys; what was kept before is as it was',
      })
    }
    const { secretAccessKey } = (await w.daypass.credential('acme')) as KeysCredential
    expect(secretAccessKey.reveal()).toBe(SECRET)
    expect(await w.vault.names()).toEqual(['acme'])
  })

  test.each([
    ['', 'the keys are not cloudinary://KEY:SECRET@CLOUD, nor one line of JSON'],
    ['cloudinary://acme', 'the keys are not cloudinary://KEY:SECRET@CLOUD, nor one line of JSON'],
    [`https://${KEY}:${SECRET}@acme`, 'the keys are not cloudinary://KEY:SECRET@CLOUD, nor one line of JSON'],
    [`cloudinary://acme?oauth_token=${SECRET}`, 'a key, its secret and their account are needed'],
    [`{"api_key":"${KEY}","api_secret":"${SECRET}"}`, 'a key, its secret and their account are needed'],
    [`{"cloud_name":"acme","api_secret":"${SECRET}"}`, 'a key, its secret and their account are needed'],
    [
      `${URL_OF}?upload_prefix=https://api-eu.cloudinary.com`,
      expect.stringMatching(/^these keys are for https:\/\/api-eu.cloudinary.com, and not for http:/),
    ],
  ])('are refused, and not repeated, when they come as %j', async (text, message) => {
    const w = await cloud({}, { types: [text] })
    const error = await failureOf(w.login({ method: 'keys' }))
    expect(error).toMatchObject({ code: 'usage', message })
    expect(error.message + error.hint).not.toContain(SECRET)
    expect(w.cloudinary.seen()).toEqual([])
  })

  test.each([
    [502, 'network'],
    [429, 'network'],
    [403, 'refused'],
  ])('are not kept when the API answers %i', async (status, code) => {
    const w = await cloud({}, { types: [URL_OF] })
    w.cloudinary.failApi({ status })
    expect(await failureOf(w.login({ method: 'keys' }))).toMatchObject({ code })
    expect(await w.vault.names()).toEqual([])
  })

  test('are not sent to another host that the API names instead of itself', async () => {
    const w = await cloud({}, { types: [URL_OF] })
    w.cloudinary.failApi({ status: 302, headers: { location: `${w.cloudinary.apiUrl}/v1_1/acme/ping` } })
    expect(await failureOf(w.login({ method: 'keys' }))).toMatchObject({ code: 'refused' })
    expect(w.cloudinary.seen()).toHaveLength(1)
  })

  test('are no login that one could log out of, and are not renewed', async () => {
    const w = await cloud({}, { types: [URL_OF] })
    await w.login({ method: 'keys' })
    expect(await failureOf(w.daypass.logout('acme'))).toMatchObject({
      code: 'usage',
      message: 'acme has static keys, and there is nothing to log out of',
      hint: 'daypass remove acme',
    })
    expect(await w.daypass.refresh('acme', { force: true })).toMatchObject({ outcome: 'nothing_to_renew' })
    await w.daypass.check('acme')
    w.cloudinary.failApi({ status: 401 })
    expect(await failureOf(w.daypass.check('acme'))).toMatchObject({
      code: 'login_required',
      hint: 'daypass login acme',
    })
  })

  test('and a login of the same cloud live side by side', async () => {
    const w = await cloud({}, { types: [URL_OF, URL_OF] })
    await w.login({ method: 'keys' })
    expect((await w.login()).header.name).toBe('acme-oauth')
    expect((await w.login()).header.name).toBe('acme-oauth')
    expect(await w.vault.names()).toEqual(['acme', 'acme-oauth'])
    expect(await failureOf(w.daypass.login('acme', { method: 'browser' }))).toMatchObject({
      code: 'usage',
      message: 'acme has static keys',
    })
    expect((await w.daypass.credential('acme')).kind).toBe('keys')
  })

  test('are followed by other ones when their identity logs in again', async () => {
    const w = await cloud({}, { types: [URL_OF, WRONG, URL_OF] })
    await w.login({ method: 'keys' })
    expect(await failureOf(w.daypass.login('acme'))).toMatchObject({ code: 'login_required' })
    expect((await w.daypass.login('acme')).header).toMatchObject({ name: 'acme', method: 'keys' })
    expect(w.browser.opened).toEqual([])
  })

  test('that come after a login of the same cloud are called beside it', async () => {
    const w = await cloud({}, { types: [URL_OF] })
    await w.login()
    expect((await w.login({ method: 'keys' })).header.name).toBe('acme-keys')
    expect((await w.daypass.credential('acme')).kind).toBe('bearer')
  })
})

describe('keys of the configuration', () => {
  const credentials = { access_key_id: KEY, secret_access_key: SECRET }
  const config = (more: object = {}) => ({
    auth: { identities: { shop: { kind: 'cloudinary/account', credentials, ...more } } },
  })

  test('are of the cloud that stands beside them', async () => {
    const w = await cloud({}, { config: config({ cloud_name: 'acme' }) })
    await w.daypass.login('shop')
    await w.daypass.check('shop')
    expect(w.cloudinary.seen().map(({ by }) => by)).toEqual(['Basic', 'Basic'])
    expect(await w.row('shop')).toMatchObject({ state: 'valid', store: 'config', account: 'acme' })
  })

  test('without one are of no use', async () => {
    const w = await cloud({}, { config: config() })
    expect(await failureOf(w.daypass.login('shop'))).toMatchObject({ code: 'usage' })
  })
})

describe('CLOUDINARY_URL', () => {
  test('with keys is an account of its own when there is no other', async () => {
    const w = await cloud({}, { env: { CLOUDINARY_URL: URL_OF } })
    expect((await w.daypass.credential()) as KeysCredential).toMatchObject({
      cloud: 'cloudinary',
      accessKeyId: KEY,
    })
    const { identities } = await w.daypass.list()
    expect(identities.map(({ row }) => row)).toMatchObject([
      {
        name: '(environment)',
        kind: 'cloudinary/account',
        account: 'acme',
        active: true,
        method: 'environment',
      },
    ])
    expect(w.requests).toEqual([])
  })

  test('with a token asks its own API, and no other host', async () => {
    const w = await cloud()
    await w.login()
    const token = await w.token('acme')
    await w.daypass.use(undefined)
    const api = encodeURIComponent(w.cloudinary.apiUrl)
    Object.assign(w.host.env, {
      CLOUDINARY_UPLOAD_PREFIX: '',
      CLOUDINARY_URL: `cloudinary://acme?oauth_token=${token}&refresh_token=rt_x&upload_prefix=${api}`,
    })
    const { credential, credentialUrl: whole } = await w.daypass.getCredential()
    expect(credential).toMatchObject({ kind: 'bearer' })
    expect(whole).toEqual({ account: 'acme', endpoints: { api: w.cloudinary.apiUrl } })
    const ask = w.daypass.fetch()
    expect((await ask(`${w.cloudinary.apiUrl}/v1_1/acme/ping`)).status).toBe(200)
    expect(await failureOf(ask('https://api.cloudinary.com/v1_1/acme/ping'))).toMatchObject({
      code: 'refused',
    })
    w.cloudinary.expireAccessTokens()
    // Nobody renews what is not ours.
    expect((await ask(`${w.cloudinary.apiUrl}/v1_1/acme/ping`)).status).toBe(401)
    expect(w.cloudinary.stats().refreshes).toBe(0)
  })

  test('comes after the default, and stands in for no login', async () => {
    const w = await cloud(
      {},
      { env: { CLOUDINARY_URL: 'cloudinary://other?oauth_token=of-the-environment' } },
    )
    await w.login({ setDefault: true })
    const { identity, variable } = await w.daypass.getCredential()
    expect({ identity, variable }).toEqual({ identity: 'acme', variable: undefined })
    const { envOverride: standIn } = await w.daypass.list()
    expect(standIn).toBeUndefined()
  })

  test('keeps a first login from becoming the default by itself', async () => {
    const w = await cloud({}, { env: { CLOUDINARY_URL: URL_OF } })
    expect((await w.login()).default).toBe('no')
  })

  test.each([
    '',
    'acme',
    'http://acme',
    'cloudinary://',
    'cloudinary://acme',
    'cloudinary://:x@acme',
    'account://a:b@c',
  ])('that is %j is none', async (text) => {
    const w = await cloud({}, { env: { CLOUDINARY_URL: text } })
    expect((await w.daypass.list()).identities).toEqual([])
  })
})

test.each([
  [`cloudinary://k:s%2F@acme`, { account: 'acme', keys: { id: 'k', secret: 's/' } }],
  [`cloudinary://k:s%@acme`, { account: 'acme', keys: { id: 'k', secret: 's%' } }],
  ['cloudinary://k:s@Acme?oauth_token=t', { account: 'Acme', token: 't' }],
  ['cloudinary://acme?oauth_token=t&upload_prefix=nonsense', undefined],
  [
    `'cloudinary://acme?oauth_token=t&upload_prefix=https%3A%2F%2Fapi-eu.cloudinary.com'`,
    { account: 'acme', token: 't', endpoints: { api: 'https://api-eu.cloudinary.com' } },
  ],
  [`"cloudinary://k:s@acme'`, undefined],
])('%s is read as %j', (text, whole) => {
  expect(parseCloudinaryUrl(text)).toEqual(whole)
})
