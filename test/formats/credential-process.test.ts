/** The line that the tools of a cloud read, to the letter. */
import { expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import type { KeysCredential } from '../../src/core/types.ts'
import { CLOUDS, formatCredentialProcess } from '../../src/formats/credential-process.ts'

const keys = (cloud: KeysCredential['cloud'], more: Partial<KeysCredential> = {}): KeysCredential => ({
  kind: 'keys',
  cloud,
  accessKeyId: 'the-id',
  secretAccessKey: new Secret('the-secret'),
  issuedAt: 0,
  ...more,
})
const temporary = {
  sessionToken: new Secret('the-session'),
  expiresAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
}

test.each<[string, KeysCredential, string]>([
  [
    'temporary keys of AWS',
    keys('aws', temporary),
    '{"Version":1,"AccessKeyId":"the-id","SecretAccessKey":"the-secret","SessionToken":"the-session","Expiration":"2026-01-02T03:04:05Z"}',
  ],
  [
    'permanent keys of AWS',
    keys('aws'),
    '{"Version":1,"AccessKeyId":"the-id","SecretAccessKey":"the-secret"}',
  ],
  [
    'temporary keys of Alibaba Cloud',
    keys('alibaba', temporary),
    '{"mode":"StsToken","access_key_id":"the-id","access_key_secret":"the-secret","sts_token":"the-session","expiration":"2026-01-02T03:04:05Z"}',
  ],
  [
    'permanent keys of Alibaba Cloud',
    keys('alibaba'),
    '{"mode":"AK","access_key_id":"the-id","access_key_secret":"the-secret"}',
  ],
])('%s', (_, credential, line) => {
  expect(formatCredentialProcess('work', credential, undefined)).toBe(line)
  const cloud = CLOUDS.find((each) => each === credential.cloud)
  expect(formatCredentialProcess('work', credential, cloud)).toBe(line)
})

test.each(['aws', 'alibaba'] as const)(
  'the end is told by the caller’s clock, in 20 characters: %s',
  (cloud) => {
    const end = (expiresAt: number, offset = 0) => {
      const line = JSON.parse(
        formatCredentialProcess('work', keys(cloud, { ...temporary, expiresAt }), undefined, offset),
      )
      return (line.Expiration ?? line.expiration) as string
    }
    expect(end(temporary.expiresAt, 60_000)).toBe('2026-01-02T03:03:05Z')
    for (const time of [0, 1, -1, 8.64e15, Number.MAX_VALUE, -8.64e15]) expect(end(time)).toHaveLength(20)
  },
)

test('a token is no keys, and the keys of one cloud are not those of another', () => {
  const token = { kind: 'bearer', token: new Secret('t'), tokenType: 'bearer', issuedAt: 0 } as const
  expect(() => formatCredentialProcess('work', token, undefined)).toThrow(
    expect.objectContaining({ code: 'usage', hint: 'daypass token work' }),
  )
  expect(() => formatCredentialProcess('work', keys('aws'), 'alibaba')).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: 'work has keys of AWS, not of Alibaba Cloud',
      hint: 'daypass credential-process work --format aws',
    }),
  )
})

test('the keys of a cloud whose tools start no program are for another verb', () => {
  expect(() => formatCredentialProcess('work', keys('cloudinary'), undefined)).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: 'no tool takes the keys of work from a program',
      hint: 'use daypass env work or daypass exec work -- CMD',
    }),
  )
})
