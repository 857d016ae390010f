/** A first login to AWS at a terminal: what it asks for, and nothing else. */
import { expect, onTestFinished, test } from 'vitest'
import { box } from '../cli/story.ts'
import { BROWSER } from '../kit/cli.ts'
import { startAws } from '../stand-ins/aws/server.ts'
import { PASTE_ON, screen } from './pty.ts'

const ENTER = '\r'

async function cloud() {
  const aws = await startAws()
  onTestFinished(() => aws.close())
  return { aws, env: { AWS_ENDPOINT_URL: aws.url, DISPLAY: ':9', BROWSER } }
}

test('asks for a region that is not configured, and Enter is the usual one', async () => {
  const { aws, env } = await cloud()
  const one = box()
  const shown = screen(one, ['login', 'aws', 'work'], { env })
  await shown.until('Which region do you sign in to?')
  shown.pty.write(ENTER)
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(aws.stats().sessions).toMatchObject([{ region: 'us-east-1' }])
  expect((await one.run(['status', 'work'], { env })).stdout).toMatch(/region +us-east-1/)
})

test('keys are asked for one by one, and the secret is not shown', async () => {
  const { env } = await cloud()
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
  const words = ['login', 'aws', 'robot', '--method', 'keys', '--region', 'us-east-1']
  const shown = screen(box(), words, { env })
  await shown.until('Access key id of AWS:')
  shown.pty.write(`AKIAIOSFODNN7EXAMPLE${ENTER}`)
  await shown.until(PASTE_ON)
  shown.pty.write(`${secret}${ENTER}`)
  const { code, said } = await shown.ended()
  expect(code, said).toBe(0)
  expect(said).not.toContain(secret)
})
