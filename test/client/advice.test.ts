/** What to type after an error, as data: a caller that is not the command line writes its own words. */
import { expect, test } from 'vitest'
import { type Advice, DaypassError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { start } from '../testing/servers.ts'
import { failureOf, world } from './client-context.ts'
import { PAT, shop } from './passport-context.ts'

const TTL = 3_600_000
const loginTo = (identity: string): Advice => ({ verb: 'login', identity })

const loggedIn = async (more: Parameters<typeof world>[0] = {}) => {
  const server = await start()
  const w = await world({ server, ...more })
  await w.login('acme')
  return { server, ...w }
}

test.each<[string, () => Promise<unknown>, Advice | undefined]>([
  ['nobody is logged in', async () => (await world()).daypass.credential(), { verb: 'login' }],
  [
    'the first identity is unknown',
    async () => (await world()).daypass.credential('acme'),
    { verb: 'login', args: ['PROVIDER'], identity: 'acme' },
  ],
  [
    'an identity is unknown among others',
    async () => (await loggedIn()).daypass.credential('other'),
    { verb: 'list' },
  ],
  [
    'none is named and none is the default',
    async () => {
      const { daypass } = await loggedIn()
      await daypass.use(undefined)
      return daypass.credential()
    },
    { verb: 'use', identity: 'acme' },
  ],
  [
    'it was logged out',
    async () => {
      const { daypass } = await loggedIn()
      await daypass.logout('acme')
      return daypass.credential('acme')
    },
    loginTo('acme'),
  ],
  [
    'the server has ended its login',
    async () => {
      const { daypass, server, advance } = await loggedIn()
      advance(TTL + 1)
      server.failNext({ endpoint: 'refresh', status: 400, body: '{"error":"invalid_grant"}' })
      return daypass.credential('acme')
    },
    loginTo('acme'),
  ],
  [
    'nothing is to be typed while the server is down',
    async () => {
      const { daypass, server, advance } = await loggedIn()
      advance(TTL + 1)
      server.failNext({ endpoint: 'refresh', status: 503 })
      return daypass.credential('acme')
    },
    undefined,
  ],
  [
    'more lifetime is asked for than there ever is',
    async () => (await loggedIn()).daypass.credential('acme', { minTtl: 100 * TTL }),
    { verb: 'exec', flags: ['--endpoint', '--', 'CMD'] },
  ],
  [
    'a renewal failed and what is left is good',
    async () => {
      const { daypass, server, advance } = await loggedIn()
      advance(TTL - 30_000)
      server.failNext({ endpoint: 'refresh', status: 503 })
      throw ((await daypass.refresh('acme')) as { error?: unknown }).error
    },
    { verb: 'refresh', identity: 'acme' },
  ],
  [
    'a logout could not remove the record',
    async () => {
      const vault = createMemoryVault()
      const { daypass } = await loggedIn({
        vault: {
          ...vault,
          async write(entry) {
            if (entry.header.loginRequired === 'it was logged out')
              throw new DaypassError('vault', 'it is full', { advice: { verb: 'remove', identity: 'old' } })
            return vault.write(entry)
          },
          async remove() {
            throw new DaypassError('vault', 'it is full', { advice: { verb: 'remove', identity: 'old' } })
          },
        },
      })
      return daypass.logout('acme')
    },
    { verb: 'remove', identity: 'old' },
  ],
  [
    'an address of no identity is named',
    async () => (await world()).daypass.identityAt('https://api.example.com/v1'),
    { verb: 'login', args: ['PROVIDER'], flags: ['--api-url', 'https://api.example.com'] },
  ],
  [
    'a tenant is chosen where nothing is kept',
    async () => {
      const config = { auth: { identities: { acme: { kind: 'passport/user' } } } }
      return (await shop({}, { config })).daypass.useTenant('acme', 'globex')
    },
    { verb: 'login', identity: 'acme', flags: ['--tenant', 'globex'] },
  ],
  [
    'the token for the tenants is refused',
    async () => {
      const w = await shop()
      await w.byToken(PAT)
      w.passport.failNext({ endpoint: 'resource', status: 401, body: '{"message":"Unauthenticated."}' })
      return w.daypass.tenants('shop')
    },
    loginTo('shop'),
  ],
  ['there are no tenants', async () => (await loggedIn()).daypass.tenants('acme'), { verb: 'list' }],
  [
    'a parameter is not like one',
    async () => {
      const w = await shop()
      await w.login()
      return w.daypass.tenants('shop', { tenant: 'a b' })
    },
    { verb: 'login', flags: ['--help'] },
  ],
  [
    'static keys are logged out of',
    async () => {
      const { daypass, host } = await world()
      const credential = { kind: 'keys', cloud: 'aws', accessKeyId: 'AKIA' } as const
      await daypass.importIdentity({
        name: 'acme',
        provider: 'aws',
        method: 'keys',
        params: {},
        grant: { credential: { ...credential, secretAccessKey: new Secret('x'), issuedAt: host.now() } },
      })
      return daypass.logout('acme')
    },
    { verb: 'remove', identity: 'acme' },
  ],
])('%s', async (_, fail, advice) => {
  expect((await failureOf(fail())).advice).toEqual(advice)
})
