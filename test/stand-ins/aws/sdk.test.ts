/** AWS' own SDK, which finds a login on disk and renews it here: the stand-in is not only our view of Sign-In. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { fromIni, fromLoginCredentials } from '@aws-sdk/credential-providers'
import { describe, expect, test } from 'vitest'
import { login, start } from './client.ts'
import { awsHome } from './home.ts'
import type { AwsOptions, SignInError } from './options.ts'

const ARN = 'arn:aws:sts::111122223333:assumed-role/Admin/ada'
const ADMIN = { kind: 'role', role: 'Admin', session: 'ada' } as const

const soon = () => Date.now() + 200_000
const later = () => Date.now() + 800_000

/** A login on disk, and the profile that names it. */
async function loggedIn(expiresAt: number, options: AwsOptions = {}, more: Record<string, unknown> = {}) {
  const server = await start({ person: ADMIN, ...options })
  const home = awsHome({ AWS_ENDPOINT_URL: server.url })
  home.configure(`[profile work]\nlogin_session = ${ARN}\nregion = us-east-1\n`)
  const kept = await login(server.url)
  home.keep(ARN, kept, expiresAt, more)
  return { server, home, kept }
}

describe('the SDK', () => {
  test.each([
    ['fromLoginCredentials', fromLoginCredentials],
    ['fromIni', fromIni],
  ])('reads a login (%s)', async (_, from) => {
    const { server, kept } = await loggedIn(later())
    expect(await from({ profile: 'work' })()).toMatchObject(kept.accessToken)
    expect(server.stats().by.refresh).toBeUndefined()
  })

  test.each([
    ['fromLoginCredentials', fromLoginCredentials],
    ['fromIni', fromIni],
  ])('renews it in its last minutes, and writes it down (%s)', async (_, from) => {
    const { server, home, kept } = await loggedIn(soon())
    const { accessKeyId } = await from({ profile: 'work' })()
    expect(accessKeyId).not.toBe(kept.accessToken.accessKeyId)
    expect(home.kept(ARN)).toMatchObject({
      accessToken: { accessKeyId, accountId: '111122223333' },
      dpopKey: kept.key.pem,
      idToken: kept.idToken,
    })
    expect(home.kept(ARN).refreshToken).not.toBe(kept.refreshToken)
    expect(server.stats()).toMatchObject({ refusals: [], sessions: [{ arn: ARN, renewals: 1 }] })
  })

  test('renews again and again', async () => {
    const { server } = await loggedIn(0, { credentialsTtl: 60 })
    for (const _ of [1, 2, 3]) await fromLoginCredentials({ profile: 'work' })()
    expect(server.stats().sessions).toMatchObject([{ renewals: 3, replays: 0 }])
  })

  test('asks STS with what it found', async () => {
    await loggedIn(soon())
    const client = new STSClient({ region: 'us-east-1', credentials: fromIni({ profile: 'work' }) })
    expect((await client.send(new GetCallerIdentityCommand({}))).Arn).toBe(ARN)
  })

  test('assumes a role of a profile with it', async () => {
    const { home } = await loggedIn(soon())
    const role = 'role_arn = arn:aws:iam::111122223333:role/Deploy'
    home.configure(`[profile deploy]\n${role}\nsource_profile = work\nregion = us-east-1\n`)
    const client = new STSClient({ region: 'us-east-1', credentials: fromIni({ profile: 'deploy' }) })
    const { Arn } = await client.send(new GetCallerIdentityCommand({}))
    expect(Arn).toMatch(/^arn:aws:sts::111122223333:assumed-role\/Deploy\//)
  })

  test('finds Sign-In by a setting of its own, and by the region of the login', async () => {
    const server = await start({ person: ADMIN })
    const { url } = server.region('eu-west-1')
    const home = awsHome({ AWS_ENDPOINT_URL_SIGNIN: url })
    home.configure(`[profile work]\nlogin_session = ${ARN}\n`)
    home.keep(ARN, await login(url), soon(), { signInRegion: 'eu-west-1' })
    await fromLoginCredentials({ profile: 'work' })()
    expect(home.kept(ARN).signInRegion).toBe('eu-west-1')
    expect(server.stats().sessions).toMatchObject([{ region: 'eu-west-1', renewals: 1 }])
  })

  test('is refused in another region', async () => {
    const { server } = await loggedIn(0)
    const clientConfig = { endpoint: server.region('eu-west-1').url, maxAttempts: 1 }
    const refused = fromLoginCredentials({ profile: 'work', clientConfig })()
    await expect(refused).rejects.toThrow(/ValidationException: the refresh token is of another region/)
  })

  test('is refused with another key', async () => {
    const { home, kept, server } = await loggedIn(0)
    const other = await login(server.url)
    home.keep(ARN, { ...kept, key: other.key }, 0)
    const refused = fromLoginCredentials({ profile: 'work' })()
    await expect(refused).rejects.toThrow('the refresh token is bound to another key')
  })

  test.each<[SignInError, string]>([
    ['TOKEN_EXPIRED', 'Your session has expired. Please reauthenticate.'],
    ['USER_CREDENTIALS_CHANGED', 'Unable to refresh credentials because of a change in your password.'],
    ['INSUFFICIENT_PERMISSIONS', 'Unable to refresh credentials due to insufficient permissions.'],
    ['AUTHCODE_EXPIRED', 'Failed to refresh token: AccessDeniedException'],
    ['INVALID_REQUEST', 'Failed to refresh token: ValidationException'],
    ['TOO_MANY_REQUESTS', 'Failed to refresh token: TooManyRequestsError'],
    ['server_error', 'Failed to refresh token: InternalServerException'],
  ])('understands %s', async (refuse, said) => {
    const { server } = await loggedIn(0)
    server.failNext({ door: 'refresh', refuse })
    const refused = fromLoginCredentials({ profile: 'work', clientConfig: { maxAttempts: 1 } })()
    await expect(refused).rejects.toThrow(said)
  })

  test('proves anew when it asks again', async () => {
    const { server } = await loggedIn(0)
    server.failNext({ door: 'refresh', refuse: 'server_error' })
    await fromLoginCredentials({ profile: 'work' })()
    expect(server.stats()).toMatchObject({ by: { refresh: 2 }, sessions: [{ renewals: 1 }] })
  })
})
