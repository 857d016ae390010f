/** Every provider from its login to its logout, over answers as they were recorded, or as its documentation has them. */
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createDaypass } from '../../src/index.ts'
import { builtIn } from '../../src/providers/index.ts'
import { memoryVault } from '../../src/vault/open-vault.ts'
import { SILENT } from '../kit/silent.ts'

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Nobody checks the signature of what came from the token endpoint itself (OpenID Connect Core §3.1.3.7). */
const jwt = (claims: object) => `${part({ alg: 'RS256', kid: '1' })}.${part(claims)}.c2lnbmVk`

/** What is asked for, by the end of its path, is answered with this. */
type Answers = Record<string, (asked: URLSearchParams) => object | string>

interface Recorded {
  given?: { params?: Record<string, string>; clientId?: string }
  answers: Answers
  /** What has to come of it: the credential's own secret, and whose it is. */
  secret: string
  account: string
  revokes: boolean
}

const SOON = 3600
const now = Math.floor(Date.now() / 1000)
const inAnHour = new Date((now + SOON) * 1000).toISOString().replace(/\.\d+Z/, 'Z')
const bearer = { access_token: 'the-access-token', refresh_token: 'the-refresh-token', token_type: 'Bearer' }
const person = { sub: '7', name: 'Ada Lovelace', email: 'ada@example.com' }

/** A server of OpenID Connect that is found at its issuer. */
function discovered(issuer: string, claims: object = person): Answers {
  return {
    'openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
    }),
    ...tokens(issuer, claims),
  }
}

const tokens = (issuer: string, claims: object): Answers => ({
  token: (asked) => ({
    ...bearer,
    expires_in: SOON,
    id_token: jwt({
      iss: issuer,
      aud: 'a-client',
      exp: now + SOON,
      iat: now,
      nonce: asked.get('nonce'),
      ...claims,
    }),
  }),
  revoke: () => ({}),
})

const stsOfAws = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
  <Arn>arn:aws:iam::111122223333:user/ada</Arn><UserId>AIDA</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`

const temporary = 'the-temporary-secret'

const RECORDED: Record<string, Recorded> = {
  aws: {
    answers: {
      '/v1/token': () => ({
        accessToken: { accessKeyId: 'ASIA', secretAccessKey: temporary, sessionToken: 'the-session-token' },
        tokenType: 'aws_sigv4',
        expiresIn: 900,
        refreshToken: 'the-refresh-token',
      }),
      'amazonaws.com/': () => stsOfAws,
    },
    secret: temporary,
    account: '111122223333',
    revokes: false,
  },
  alibaba: {
    answers: {
      '/v1/token': () => ({ ...bearer, expires_in: String(SOON) }),
      '/v1/exchange': () => ({
        requestId: 'R',
        accessKeyId: 'STS.A',
        accessKeySecret: temporary,
        securityToken: 'the-session-token',
        expiration: inAnHour,
      }),
      '/v1/revoke': () => ({}),
      'aliyuncs.com/': () => ({
        AccountId: '1234567890123456',
        Arn: 'acs:ram::1234567890123456:user/ada',
        IdentityType: 'RAMUser',
        RequestId: 'R',
      }),
    },
    secret: temporary,
    account: '1234567890123456',
    revokes: true,
  },
  cloudinary: {
    answers: {
      '/oauth2/token': () => ({
        ...bearer,
        access_token: jwt({ exp: now + 300, iat: now, ext: { cloud_name: 'acme' } }),
        expires_in: 300,
      }),
      '/oauth2/revoke': () => ({}),
    },
    secret: jwt({ exp: now + 300, iat: now, ext: { cloud_name: 'acme' } }),
    account: 'acme',
    revokes: true,
  },
  passport: {
    given: { params: { api_url: 'https://api.example.com' }, clientId: 'a-client' },
    answers: {
      '/oauth/token': () => ({ ...bearer, expires_in: SOON }),
      '/api/v1/profile': () => ({ data: { id: 7, name: 'Ada Lovelace', email: 'ada@example.com' } }),
    },
    secret: 'the-access-token',
    account: 'ada@example.com',
    revokes: false,
  },
  autocom: {
    given: { clientId: 'a-client' },
    answers: {
      '/oauth/token': () => ({ ...bearer, expires_in: SOON }),
      '/api/v1/profile': () => ({ id: 7, name: 'Ada Lovelace', email: 'ada@example.com' }),
    },
    secret: 'the-access-token',
    account: 'ada@example.com',
    revokes: false,
  },
  oidc: {
    given: { params: { issuer: 'https://id.example.com' }, clientId: 'a-client' },
    answers: discovered('https://id.example.com'),
    secret: 'the-access-token',
    account: 'ada@example.com',
    revokes: true,
  },
  github: {
    given: { clientId: 'a-client' },
    answers: {
      '/login/oauth/access_token': () => ({
        access_token: 'the-access-token',
        token_type: 'bearer',
        scope: 'gist,repo',
      }),
      'api.github.com/user': () => ({ login: 'octocat', id: 1, name: 'The Octocat', email: null }),
    },
    secret: 'the-access-token',
    account: 'octocat',
    revokes: false,
  },
  gitlab: {
    given: { clientId: 'a-client' },
    answers: {
      ...discovered('https://gitlab.com', { sub: '7' }),
      '/api/v4/user': () => ({ id: 7, username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }),
    },
    secret: 'the-access-token',
    account: 'ada',
    revokes: true,
  },
  google: {
    given: { clientId: 'a-client' },
    answers: discovered('https://accounts.google.com'),
    secret: 'the-access-token',
    account: 'ada@example.com',
    revokes: true,
  },
  microsoft: {
    given: { clientId: 'a-client' },
    answers: tokens('https://login.microsoftonline.com/directory/v2.0', { ...person, tid: 'directory' }),
    secret: 'the-access-token',
    account: 'ada@example.com',
    revokes: false,
  },
}

const SECRETS = ['the-access-token', 'the-refresh-token', temporary, 'the-session-token', 'c2lnbmVk']

test('every provider has a recorded life', () => {
  expect(Object.keys(RECORDED).sort()).toEqual(Object.keys(builtIn).sort())
})

describe.each(Object.entries(RECORDED))('%s', (id, { given = {}, answers, secret, account, revokes }) => {
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
    const vault = memoryVault()
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
