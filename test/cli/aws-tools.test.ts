/** AWS's own files and console, from the command line; against the strict stand-in. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { BROWSER } from '../kit/cli.ts'
import { startAws } from '../stand-ins/aws/server.ts'
import { box } from './story.ts'

/** A home that is logged in to AWS as `work`. */
async function loggedIn() {
  const aws = await startAws()
  onTestFinished(() => aws.close())
  const one = box({ AWS_ENDPOINT_URL: aws.url, BROWSER })
  const { code, stderr } = await one.run(['login', 'aws', 'work'])
  expect(code, stderr).toBe(0)
  const cache = () => readdirSync(join(one.home, '.aws/login/cache'))
  const config = () => readFileSync(join(one.home, '.aws/config'), 'utf8')
  return { aws, one, cache, config }
}

test('a profile that shares its session no more takes it back into the vault', async () => {
  const { one, cache, config } = await loggedIn()
  await one.run(['setup', 'aws', 'work', '--login-session'])
  expect(cache()).toHaveLength(1)
  expect((await one.run(['setup', 'aws', 'work'])).code).toBe(0)
  expect(config()).not.toContain('login_session')
  expect(cache()).toEqual([])
  expect((await one.run(['status', 'work'])).stdout).toContain('kept in      the vault')
})

test('a session that two profiles share is copied once', async () => {
  const { one, config } = await loggedIn()
  await one.run(['setup', 'aws', 'work', '--login-session'])
  writeFileSync(
    join(one.home, '.aws/config'),
    config().replace('[profile work]', '[profile theirs]') + config(),
  )
  rmSync(one.daypassHome, { recursive: true })
  const words = ['import', 'aws', '--take-over', '--json']
  const dry = await one.run([...words, '--dry-run'])
  const { stdout } = await one.run(words)
  const outcomes = (text: string) => JSON.parse(text).found.map(({ outcome }: { outcome: string }) => outcome)
  expect(outcomes(dry.stdout)).toEqual(['would_be_kept', 'listed'])
  expect(outcomes(stdout)).toEqual(['kept', 'listed'])
  expect((await one.run(['list', '--json'])).stdout.match(/"name":"\w+"/g)).toEqual(['"name":"theirs"'])
})

test('what could not be copied is not promised', async () => {
  const { one } = await loggedIn()
  mkdirSync(join(one.home, '.aws'), { recursive: true })
  const keys = 'aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n'
  writeFileSync(join(one.home, '.aws/credentials'), `[work]\n${keys}[robot]\n${keys}`)
  const { stdout } = await one.run(['import', 'aws', '--dry-run', '--json'])
  expect(JSON.parse(stdout).found).toMatchObject([
    { profile: 'work', outcome: 'name_taken' },
    { profile: 'robot', outcome: 'would_be_kept' },
  ])
})

test('the address of the console signs in', async () => {
  const { aws, one } = await loggedIn()
  mkdirSync(one.daypassHome, { recursive: true })
  const role = `principal: { role_arn: "arn:aws:iam::${aws.account}:role/Deploy" }`
  writeFileSync(
    join(one.daypassHome, 'config.yaml'),
    `auth: { identities: { deploy: { kind: aws/assume-role, via: { identity: work }, ${role}, endpoints: { federation: "${aws.url}/federation" } } } }\n`,
  )
  const { code, stdout, stderr } = await one.run(['console', 'deploy', '--print', '--service', 's3'])
  expect(code, stderr).toBe(0)
  const { status, headers } = await fetch(stdout.trim(), { redirect: 'manual' })
  expect(status).toBe(302)
  expect(headers.get('location')).toBe('https://us-east-1.console.aws.amazon.com/s3/home?region=us-east-1')
  // An opener is told of a page that leads there once: every user of the machine can read its command line.
  const [opener, log] = [join(one.home, 'opener'), join(one.home, 'opened')]
  const visit = `const led = await fetch(url, { redirect: 'manual' }); fs.writeFileSync('${log}', url + ' ' + led.headers.get('location'))`
  writeFileSync(
    opener,
    `#!${process.execPath}\nconst fs = require('fs'), url = process.argv[2];(async () => { ${visit} })()\n`,
    { mode: 0o755 },
  )
  const opened = await one.run(['console', 'deploy', '--browser', opener])
  expect(opened, opened.stderr).toMatchObject({ code: 0 })
  expect(opened.stderr).toContain('Opened the console of AWS as deploy')
  const [page, led] = readFileSync(log, 'utf8').split(' ')
  expect(page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/start\/[0-9a-f]{32}$/)
  expect(led).toContain('SigninToken=')
})
