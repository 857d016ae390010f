/** Every provider from its login to its logout, over answers as they were recorded, or as its documentation has them. */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createDaypass } from '../../src/index.ts'
import { builtIn } from '../../src/providers/index.ts'
import { createMemoryVault } from '../../src/vault/open-vault.ts'
import { SILENT } from '../kit/silent.ts'
import { loadFixtures, temporary } from './fixture.ts'

const FIXTURES = await loadFixtures()

const SECRETS = ['the-access-token', 'the-refresh-token', temporary, 'the-session-token', 'c2lnbmVk']

test('every provider has a recorded life', () => {
  expect(Object.keys(FIXTURES).sort()).toEqual(Object.keys(builtIn).sort())
})

describe.each(Object.entries(FIXTURES))('%s', (id, { login }) => {
  const { given = {}, answers, secret, account, revokes } = login

  test('a recorded answer gives the expected credential, no view of it shows a secret, and a logout leaves none', async () => {
    let nonce: string | null = null
    const asked: string[] = []
    const answering = async (input: string | URL | Request) => {
      const url = String(input instanceof Request ? input.url : input)
      asked.push(url)
      const answer = Object.entries(answers).find(([end]) => url.split('?')[0]!.endsWith(end))?.[1]
      if (!answer) return new Response('nothing is here', { status: 404 })
      const body = answer(new URLSearchParams(nonce === null ? [] : [['nonce', nonce]]))
      return typeof body === 'string' ? new Response(body) : Response.json(body)
    }
    const vault = createMemoryVault()
    const host = { fetch: answering, terminal: SILENT }
    const daypass = createDaypass({ vault, config: {}, env: {}, cwd: '/', host })

    const started = await daypass.startLogin(id, { given, method: 'paste', name: 'work' })
    const page = new URL(started.url)
    nonce = page.searchParams.get('nonce')
    const back = new URLSearchParams([
      ['code', 'the-code'],
      ['state', page.searchParams.get('state') ?? ''],
    ])
    const outcome = await daypass.finishLogin(started.id, { pasted: `?${back}` })
    expect(outcome?.header).toMatchObject({ name: 'work', provider: id, account: { account } })

    const credential = await daypass.credential('work')
    const held = credential.kind === 'keys' ? credential.secretAccessKey : credential.token
    expect(held.reveal()).toBe(secret)
    const entry = await vault.read('work')
    const views = [credential, entry, outcome, await daypass.list(), await daypass.status('work')]
    for (const view of views.flatMap((one) => [inspect(one, { depth: 9 }), JSON.stringify(one)])) {
      expect(SECRETS.filter((one) => view.includes(one))).toEqual([])
    }

    const { revocation } = await daypass.logout('work')
    expect(revocation.outcome).toBe(revokes ? 'revoked' : 'unsupported')
    expect(await vault.read('work')).not.toHaveProperty('grant')
    expect(asked.every((url) => url.startsWith('https://'))).toBe(true)
  })
})
