import { expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { chooseApiVersion, formatExecCredential } from '../../src/formats/exec-credential.ts'
import { failure } from '../vault/support.ts'

const info = (apiVersion: unknown) =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion, spec: { interactive: true } })

test.each(['v1', 'v1beta1'])('kubectl that speaks %s is answered so', (version) => {
  const apiVersion = `client.authentication.k8s.io/${version}`
  expect(chooseApiVersion(info(apiVersion))).toBe(apiVersion)
})

test('a person that asks by hand gets the newest', () => {
  expect(chooseApiVersion(undefined)).toBe('client.authentication.k8s.io/v1')
  expect(chooseApiVersion('')).toBe('client.authentication.k8s.io/v1')
})

test.each([
  info('client.authentication.k8s.io/v1alpha1'),
  info('v1'),
  info(undefined),
  info({}),
  '{',
  'null',
  '[]',
  '"client.authentication.k8s.io/v1"',
])('refused: %s', async (text) => {
  const { message } = await failure(() => chooseApiVersion(text), 'usage')
  expect(message).not.toContain('alpha')
})

test('one line, its end to the second', () => {
  const token = new Secret('the-token')
  const at = Date.UTC(2026, 10, 21, 17, 4, 4, 999)
  expect(formatExecCredential('client.authentication.k8s.io/v1', { token, expiresAt: at })).toBe(
    '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"the-token","expirationTimestamp":"2026-11-21T17:04:04Z"}}',
  )
  expect(formatExecCredential('client.authentication.k8s.io/v1beta1', { token })).toBe(
    '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"the-token"}}',
  )
})
