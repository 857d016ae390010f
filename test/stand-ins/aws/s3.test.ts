/** The bucket says no to whatever S3 would say no to: Terraform’s requests are good because they are right. */
import { AwsClient } from 'aws4fetch'
import { XMLParser } from 'fast-xml-parser'
import { expect, onTestFinished, test } from 'vitest'
import { login, start } from './client.ts'
import { startS3 } from './s3.ts'

/** Keys of a login, and a request with them as its writer wants it. */
async function bucket() {
  const aws = await start()
  const s3 = await startS3(aws, 'states')
  onTestFinished(() => s3.close())
  const { accessToken: keys } = await login(aws.url)
  const url = `${s3.url}/states/a/b.json`
  type Changed = Partial<ConstructorParameters<typeof AwsClient>[0]> & { datetime?: string }
  async function sign(method: string, { datetime, ...changed }: Changed = {}, body = '', more = {}) {
    const client = new AwsClient({ ...keys, region: 'us-east-1', service: 's3', ...changed })
    const digest = await crypto.subtle.digest('SHA-256', Buffer.from(body))
    const headers = { 'x-amz-content-sha256': Buffer.from(digest).toString('hex'), ...more }
    const init = { method, headers, ...(body && { body }) }
    const signed = await client.sign(url, { ...init, ...(datetime && { aws: { datetime } }) })
    return { url, init: { ...init, headers: Object.fromEntries(signed.headers) } }
  }
  return { aws, s3, url, sign }
}

type Signed = Awaited<ReturnType<Awaited<ReturnType<typeof bucket>>['sign']>>

async function send({ url, init }: Signed): Promise<[status: number, said: string]> {
  const answer = await fetch(url, init)
  const text = await answer.text()
  const { Error: error } = answer.ok ? {} : new XMLParser().parse(text)
  return [answer.status, error?.Code ?? text]
}

test('what is put there is got there, listed and deleted', async () => {
  const { s3, sign } = await bucket()
  expect(await send(await sign('GET'))).toEqual([404, 'NoSuchKey'])
  expect(await send(await sign('PUT', {}, '{"a":1}', { 'if-none-match': '*' }))).toEqual([200, ''])
  expect(await send(await sign('PUT', {}, '{}', { 'if-none-match': '*' }))).toEqual([
    412,
    'PreconditionFailed',
  ])
  expect(await send(await sign('GET'))).toEqual([200, '{"a":1}'])
  expect(await send(await sign('DELETE'))).toEqual([204, ''])
  expect(s3.objects.size).toBe(0)
})

const OLD = '20260101T000000Z'

test.each([
  ['another secret', { secretAccessKey: 'x' }, [403, 'SignatureDoesNotMatch']],
  ['a key of nobody', { accessKeyId: 'ASIANOBODY' }, [403, 'InvalidAccessKeyId']],
  ['another token', { sessionToken: 'x' }, [400, 'InvalidToken']],
  ['no token', { sessionToken: '' }, [400, 'InvalidToken']],
  ['another region', { region: 'eu-west-1' }, [400, 'AuthorizationHeaderMalformed']],
  ['another service', { service: 'sts' }, [400, 'AuthorizationHeaderMalformed']],
  ['a time long past', { datetime: OLD }, [403, 'RequestTimeTooSkewed']],
] as const)('%s: no', async (_, changed, no) => {
  const { sign } = await bucket()
  expect(await send(await sign('GET', changed))).toEqual(no)
})

test('what was changed after it was signed, or never signed: no', async () => {
  const { s3, sign, url } = await bucket()
  const { init } = await sign('PUT', {}, '{"a":1}')
  expect(await send({ url, init: { ...init, body: '{"a":2}' } })).toEqual([400, 'XAmzContentSHA256Mismatch'])
  expect(await send({ url: url.replace('b.json', 'c.json'), init })).toEqual([403, 'SignatureDoesNotMatch'])
  const { authorization = '', ...others } = init.headers as Record<string, string>
  expect(await send({ url, init: { ...init, headers: others } })).toEqual([403, 'AccessDenied'])
  const unsigned = authorization.replace('x-amz-content-sha256;', '')
  const headers = { ...others, authorization: unsigned }
  expect(await send({ url, init: { ...init, headers: headers } })).toEqual([403, 'SignatureDoesNotMatch'])
  expect(s3.objects.size).toBe(0)
})

test('keys that are over: no', async () => {
  const { aws, sign } = await bucket()
  aws.expireKeys()
  expect(await send(await sign('GET'))).toEqual([400, 'ExpiredToken'])
})
