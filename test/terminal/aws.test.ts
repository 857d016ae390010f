/** AWS on a terminal: what is asked, what is shown of it, and who asks nothing. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { scriptedBrowser } from '../../src/testing/index.ts'
import { startAws } from '../aws/server.ts'
import { box } from '../cli/story.ts'
import type { Sandbox } from '../kit/cli.ts'
import { insane, PASTE_ON, pasted, screen } from './pty.ts'

const ID = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const DEVICE = 'arn:aws:iam::111122223333:mfa/ada'

const aws = await startAws({ regions: ['eu-west-1'] })
afterAll(() => aws.close())

function home(config = ''): Sandbox {
  const one = box({ AWS_ENDPOINT_URL: aws.url })
  mkdirSync(one.daypassHome, { mode: 0o700 })
  if (config) writeFileSync(join(one.daypassHome, 'config.yaml'), config, { mode: 0o600 })
  return one
}

test('keys are asked for, and the secret one is not shown', async () => {
  const one = home()
  const shown = screen(one, ['login', 'aws', 'work', '--method', 'keys', '--region', 'eu-west-1'])
  await shown.until('Access key id of AWS')
  shown.pty.write(`${ID}\r`)
  await shown.until('Its secret access key (not shown)')
  await shown.until(PASTE_ON)
  shown.pty.write(`${SECRET}\r`)
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).not.toContain(SECRET.slice(0, 10))
  expect(insane(shown.text())).toEqual([])
  expect((await one.run(['credential-process', 'work'])).stdout).toContain(SECRET)
})

test('the region of a first login is asked for, and us-east-1 is proposed', async () => {
  const shown = screen(home(), ['login', 'aws', 'work', '--no-browser'])
  await shown.until('Which region do you sign in to?')
  await shown.until('s-east-1')
  shown.pty.write('eu-west-1\r')
  const [url] = await shown.until(/http:\S+\/v1\/authorize\?\S+/)
  await shown.until(PASTE_ON)
  const { body } = await scriptedBrowser().visit(url)
  const blob = body.match(/<code id="paste">([^<]+)</)![1]!
  const other = Buffer.from('state=of-another-login&code=abcdef').toString('base64')
  shown.pty.write(`${other}\r`)
  await shown.until('That is not the answer to this login: state does not belong to this login. Try again.')
  shown.pty.write(`${pasted(`"${blob.match(/.{1,70}/g)!.join('\r\n')}"`)}\r`)
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(stripVTControlCharacters(said)).toMatch(/region +eu-west-1/)
  expect(said).not.toContain(blob.slice(0, 24))
})

test('a device is asked for its code by a login, and by a verb that needs one, and by nobody else', async () => {
  const one = home(`auth:
  identities:
    work:
      kind: aws/user
      credentials: { region: eu-west-1, access_key_id: ${ID}, secret_access_key: "${SECRET}", mfa_arn: "${DEVICE}" }
default: work
`)
  for (const args of [
    ['credential-process'],
    ['refresh'],
    ['status', 'work'],
    ['list'],
    ['whoami', 'work'],
  ]) {
    const quiet = screen(one, args)
    const { said } = await quiet.ended()
    expect(said).not.toContain('Code of')
  }
  const shown = screen(one, ['exec', '--', 'sh', '-c', 'echo "it is $AWS_REGION"'])
  await shown.until(`Code of ${DEVICE}`)
  await shown.until(PASTE_ON)
  shown.pty.write('123456\r')
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).toContain('it is eu-west-1')
  expect(said).not.toContain('123456')
  const { stdout } = await one.run(['credential-process'])
  expect(JSON.parse(stdout)).toMatchObject({ SessionToken: expect.any(String) })
})
