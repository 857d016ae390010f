import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { AwsClient } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { login, start } from './client.ts'
import { ADA, sts } from './sts-client.ts'

const QUERY = 'Action=GetCallerIdentity&Version=2011-06-15'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

type Signing = Partial<ConstructorParameters<typeof AwsClient>[0]> & { datetime?: string }

/** A signed request that is not sent yet. */
function signed(url: string, { datetime, ...signing }: Signing = {}, body = QUERY): Promise<Request> {
  const client = new AwsClient({ ...ADA, region: 'us-east-1', service: 'sts', ...signing })
  const aws = datetime === undefined ? {} : { datetime }
  return client.sign(`${url}/`, { method: 'POST', body, headers: FORM, aws })
}

async function read(response: Response) {
  const { status } = response
  return {
    status,
    xml: new XMLParser({ parseTagValue: false, trimValues: false }).parse(await response.text()),
  }
}

async function send(request: Request, headers: Record<string, string | null> = {}) {
  const all = new Headers(request.headers)
  for (const [name, value] of Object.entries(headers))
    value === null ? all.delete(name) : all.set(name, value)
  return read(await fetch(request.url, { method: 'POST', headers: all, body: await request.text() }))
}

const no = ({ status, xml }: Awaited<ReturnType<typeof send>>) => [
  status,
  xml.ErrorResponse?.Error.Code,
  xml.ErrorResponse?.Error.Message,
]

const stamp = (time: number) => new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')

describe('a signature', () => {
  test('of another hand is right too, and the answer is XML', async () => {
    const { url } = await start()
    const { status, xml } = await send(await signed(url))
    expect([status, xml.GetCallerIdentityResponse.GetCallerIdentityResult.Arn]).toEqual([
      200,
      'arn:aws:iam::111122223333:user/ada',
    ])
  })

  test('with a session token is right', async () => {
    const { url } = await start()
    const { accessToken } = await login(url)
    expect((await send(await signed(url, accessToken))).status).toBe(200)
  })

  const WRONG = [403, 'SignatureDoesNotMatch', expect.stringMatching(/^The request signature we calculated/)]
  const UNKNOWN = [403, 'InvalidClientTokenId', 'The security token included in the request is invalid.']

  test('is wrong with another secret', async () => {
    const { url } = await start()
    expect(no(await send(await signed(url, { secretAccessKey: 'x' })))).toEqual(WRONG)
  })

  test('is wrong over another body', async () => {
    const { url } = await start()
    const { headers } = await signed(url)
    const body = `${QUERY}&Extra=1`
    expect(no(await read(await fetch(url, { method: 'POST', headers, body })))).toEqual(WRONG)
  })

  test('is refused with unknown keys', async () => {
    const { url } = await start()
    expect(no(await send(await signed(url, { accessKeyId: 'AKIAX' })))).toEqual(UNKNOWN)
  })

  test.each([
    ['none', () => undefined],
    ['another', () => 'x'],
  ])('is refused with temporary keys and %s for a session token', async (_, sessionToken) => {
    const { url } = await start()
    const { accessToken } = await login(url)
    const { accessKeyId, secretAccessKey } = accessToken
    const token = sessionToken()
    const keys = { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
    expect(no(await send(await signed(url, keys)))).toEqual(UNKNOWN)
  })

  test('is too late with keys that are over', async () => {
    const clock = { now: Date.now() }
    const server = await start({ now: () => clock.now, credentialsTtl: 1 })
    const { accessToken } = await login(server.url)
    clock.now += 1000
    const EXPIRED = [403, 'ExpiredToken', 'The security token included in the request is expired']
    expect(no(await send(await signed(server.url, accessToken)))).toEqual(EXPIRED)
    const next = await login(server.url)
    server.expireKeys()
    expect(no(await send(await signed(server.url, next.accessToken)))).toEqual(EXPIRED)
    expect((await send(await signed(server.url))).status).toBe(200)
  })

  test.each([
    [-901_000, /^Signature expired: \w+ is now earlier than \w+ \(\w+ - 15 min\.\)$/],
    [901_000, /^Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 15 min\.\)$/],
  ])('%i ms off is refused, with the limit', async (off, message) => {
    const now = Math.floor(Date.now() / 1000) * 1000
    const { url } = await start({ now: () => now })
    const refusal = no(await send(await signed(url, { datetime: stamp(now + off) })))
    expect(refusal).toEqual([403, 'SignatureDoesNotMatch', expect.stringMatching(message)])
  })

  test('is judged by the clock that the server tells, and AWS’ own client follows it', async () => {
    const { url, setClockOffset } = await start()
    setClockOffset(3_600_000)
    const refusal = no(await send(await signed(url)))
    expect(refusal[2]).toMatch('Signature expired')
    const client = sts(url, ADA, { maxAttempts: 3 })
    expect((await client.send(new GetCallerIdentityCommand({}))).Account).toBe('111122223333')
  })

  test.each<[string, Signing, string]>([
    ['region', { region: 'eu-west-1' }, "Credential should be scoped to a valid region, not 'eu-west-1'. "],
    ['service', { service: 'iam' }, "Credential should be scoped to correct service: 'sts'. "],
  ])('is refused of another %s', async (_, signing, message) => {
    const { url } = await start()
    expect(no(await send(await signed(url, signing)))).toEqual([403, 'SignatureDoesNotMatch', message])
  })

  test('counts in its own region alone', async () => {
    const server = await start()
    const { url } = server.region('eu-west-1')
    expect((await send(await signed(url, { region: 'eu-west-1' }))).status).toBe(200)
  })

  test.each<[string, (authorization: string) => string, number, RegExp]>([
    ['another day', (text) => text.replace(/\/\d{8}\//, '/20200101/'), 403, /^Date in Credential scope/],
    ['an unsigned host', (text) => text.replace('host;', ''), 403, /^'host' must be a 'SignedHeader'/],
    ['an unsigned date', (text) => text.replace(';x-amz-date', ''), 403, /^'x-amz-date' must be/],
    [
      'an unsigned token',
      (text) => text.replace(';x-amz-security-token', ''),
      403,
      /^'x-amz-security-token'/,
    ],
  ])('is refused with %s', async (_, change, status, why) => {
    const { url } = await start()
    const { accessToken } = await login(url)
    const request = await signed(url, accessToken)
    const authorization = change(request.headers.get('authorization')!)
    expect(authorization).not.toBe(request.headers.get('authorization'))
    const code = status === 400 ? 'IncompleteSignature' : 'SignatureDoesNotMatch'
    expect(no(await send(request, { authorization }))).toEqual([status, code, expect.stringMatching(why)])
  })
})

describe('a query', () => {
  const ROLE = 'RoleArn=arn:aws:iam::111122223333:role/R&RoleSessionName=xx'

  test.each([
    ['what it does not know', `${QUERY}&X=1`, [400, 'ValidationError', 'X is not a parameter']],
    ['the same twice', `${QUERY}&Version=2011-06-15`, [400, 'ValidationError', 'Version is given twice']],
    [
      'a list with a gap',
      `Action=AssumeRole&Version=2011-06-15&${ROLE}&Tags.member.2.Key=a&Tags.member.2.Value=b`,
      [400, 'ValidationError', 'Tags.member.2.Key stands behind a gap'],
    ],
  ])('is refused with %s', async (_, body, expected) => {
    const { url } = await start()
    expect(no(await send(await signed(url, {}, body)))).toEqual(expected)
  })
})
