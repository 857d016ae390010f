/** `daypass/alibaba`: what the clients of Alibaba Cloud's own SDK are given. */
import { expect, test } from 'vitest'
import { fromDaypass } from '../../src/alibaba.ts'
import { ADA as USER } from '../stand-ins/alibaba/server.ts'
import { ADA, asked, cloud, MINUTE } from './alibaba-context.ts'
import { failureOf, world } from './client-context.ts'

test('keys of the identity, and how they are called', async () => {
  const w = await cloud()
  await w.login('work')
  const provider = fromDaypass({ identity: 'work', daypass: w.daypass })
  const { accessKeyId, secretAccessKey, sessionToken } = await w.keys()
  const credentials = {
    accessKeyId,
    accessKeySecret: secretAccessKey.reveal(),
    securityToken: sessionToken!.reveal(),
    providerName: 'daypass',
  }
  expect(await provider.getCredentials()).toEqual(credentials)
  expect(await provider.getCredential()).toEqual({ ...credentials, type: 'sts' })
  expect(provider.getProviderName()).toBe('daypass')
})

test('asked again, they are renewed where they are stale', async () => {
  const w = await cloud()
  await w.login('work')
  const provider = fromDaypass({ identity: 'work', daypass: w.daypass })
  const first = await provider.getCredential()
  w.advance(46 * MINUTE)
  const second = await provider.getCredential()
  expect(second.accessKeyId).not.toBe(first.accessKeyId)
  expect(await w.caller()).toBe(ADA)
  expect(asked(w.ali, 'refresh')).toBe(1)
})

test('permanent keys have an empty token', async () => {
  const credentials = { access_key_id: USER.accessKeyId, secret_access_key: USER.accessKeySecret }
  const w = await cloud({}, { work: { credentials } })
  const provider = fromDaypass({ identity: 'work', daypass: w.daypass })
  expect(await provider.getCredential()).toMatchObject({ securityToken: '', type: 'access_key' })
})

test('an identity without keys of Alibaba Cloud is told so', async () => {
  const w = await world({ env: { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' } })
  expect(await failureOf(fromDaypass({ daypass: w.daypass }).getCredentials())).toMatchObject({
    code: 'usage',
    message: '(environment) has no keys of Alibaba Cloud',
    hint: 'daypass login alibaba',
  })
})
