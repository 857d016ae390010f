/** `import` from Alibaba Cloud's tools and `setup` for them, from the command line to their own SDK. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { box } from '../../cli/story.ts'
import type { Sandbox } from '../../kit/cli.ts'

const SDK = join(import.meta.dirname, '../../kit/alibaba-sdk.cjs')
const SECRET = 'hushhushhushhushhush'

const PROFILES = [
  {
    name: 'default',
    mode: 'AK',
    access_key_id: 'LTAI5tDefaultKeyId',
    access_key_secret: SECRET,
    region_id: 'cn-beijing',
  },
  { name: 'my profile', mode: 'AK', access_key_id: 'LTAI5tDefaultKeyId', access_key_secret: SECRET },
  {
    name: 'elsewhere',
    mode: 'AK',
    access_key_id: 'LTAI5tDefaultKeyId',
    access_key_secret: SECRET,
    region_id: 'X/../',
  },
  {
    name: 'web',
    mode: 'OAuth',
    oauth_site_type: 'INTL',
    oauth_access_token: `${SECRET}-at`,
    oauth_refresh_token: `${SECRET}-rt`,
    oauth_access_token_expire: 4_000_000_000,
    region_id: 'ap-southeast-1',
  },
]

interface Home extends Sandbox {
  config: string
  text(): string
}

function home(): Home {
  const one = box()
  const config = join(one.home, '.aliyun/config.json')
  mkdirSync(dirname(config), { recursive: true })
  writeFileSync(config, JSON.stringify({ current: 'default', profiles: PROFILES }, null, '\t'), {
    mode: 0o600,
  })
  return { ...one, config, text: () => readFileSync(config, 'utf8') }
}

const sdk = (one: Sandbox, profile: string) =>
  one.run([SDK], { program: [process.execPath], env: { ALIBABA_CLOUD_PROFILE: profile } })

test('what aliyun has is copied, listed, or taken over when that is asked for; its file stays', async () => {
  const one = home()
  const before = one.text()
  const dry = await one.run(['import', 'aliyun', '--dry-run', '--json'])
  const outcomes = (text: string) => JSON.parse(text).found.map((each: { outcome: string }) => each.outcome)
  expect(outcomes(dry.stdout)).toEqual(['would_be_kept', 'listed', 'listed', 'listed'])
  const { stderr, stdout, code } = await one.run(['import', 'aliyun'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toBe(
    `✓ default: the access key ****eyId; kept under that name
    the keys still stand in ${one.config}: remove them there when this works
- my profile: the access key ****eyId; not copied
    an identity cannot have that name: give it one of A-Z a-z 0-9 . _ @ - there, then try again
- elsewhere: the access key ****eyId; not copied
    region is to be something like cn-hangzhou, not "X/../"
- web: the login of the international site; not copied
    daypass login alibaba web --site intl --region ap-southeast-1, or copy it with --take-over: then \`aliyun configure --mode OAuth --profile web\` is needed there again
aliyun uses default where nothing is named; here: daypass use default
`,
  )
  const taken = await one.run(['import', 'aliyun', '--take-over', '--json'])
  expect(taken.stderr).toContain(
    '! the session of web is renewed by daypass now: aliyun will have to log in to it again\n',
  )
  expect(outcomes(taken.stdout)).toEqual(['name_taken', 'listed', 'listed', 'kept'])
  expect(JSON.parse(taken.stdout)).toMatchObject({ chosen: 'default' })
  const { identities } = JSON.parse((await one.run(['list', '--json'])).stdout)
  expect(identities).toMatchObject([
    { name: 'default', kind: 'alibaba/user', state: 'valid', method: 'keys', region: 'cn-beijing' },
    { name: 'web', kind: 'alibaba/user', state: 'stale', method: 'browser', region: 'ap-southeast-1' },
  ])
  expect(one.text()).toBe(before)
})

test('the SDK has the keys of an identity from us, by the profile that setup wrote', async () => {
  const one = home()
  const before = one.text()
  await one.run(['import', 'aliyun'])
  const { stdout } = await one.run(['setup', 'alibaba', 'default', '--as', 'ours', '--dry-run'])
  expect(stdout).toMatch(
    /\+\t\t\t"process_command": ".* credential-process default",\n\+\t\t\t"region_id": "cn-beijing"\n/,
  )
  const { stderr, code } = await one.run(['setup', 'alibaba', 'default', '--as', 'ours'])
  expect(code, stderr).toBe(0)
  expect(stderr).toBe(
    `! tools find this identity only with the same DAYPASS_HOME and DAYPASS_STORE as here
✓ Profile ours is in ${one.config}
Alibaba Cloud's SDKs write the keys that they are given into ${one.config}, in clear; aliyun itself does not.
Programs that use an SDK leave nothing there with: daypass exec default -- PROGRAM
Try it: aliyun --profile ours sts GetCallerIdentity
`,
  )
  const given = await sdk(one, 'ours')
  expect(JSON.parse(given.stdout || given.stderr)).toMatchObject({
    accessKeyId: 'LTAI5tDefaultKeyId',
    accessKeySecret: SECRET,
  })
  const undone = await one.run(['setup', 'alibaba', '--undo', '--json'])
  expect(JSON.parse(undone.stdout).undone).toMatchObject([
    { place: 'ours', identity: 'default', outcome: 'removed' },
  ])
  expect(JSON.parse(one.text())).toEqual(JSON.parse(before))
})

test('a login that is over is one line, which the SDK shows', async () => {
  const one = home()
  await one.run(['import', 'aliyun', '--take-over'])
  expect((await one.run(['setup', 'alibaba', 'web'])).stderr).toMatch(
    /there is a profile "web" in .*\n {2}daypass setup alibaba web --as web --force/,
  )
  await one.run(['logout', 'web', '--local-only'])
  const { stderr } = await one.run(['setup', 'alibaba', 'web', '--as', 'gone'])
  expect(stderr).toContain('leave nothing there with: daypass exec web --endpoint -- PROGRAM\n')
  expect((await sdk(one, 'gone')).stderr).toContain('error: web needs a login: it was logged out')
})

test('an identity of another cloud, an unknown tool, a flag of another tool', async () => {
  const one = home()
  await one.run(['import', 'aliyun'])
  const said = async (...words: string[]) => {
    const { code, stderr, stdout } = await one.run(words)
    expect(stdout).toBe('')
    return `${code} ${stderr}`
  }
  expect(await said('setup', 'aws', 'default')).toBe(
    '2 error: default is an identity of Alibaba Cloud, not of AWS\n  daypass login aws, then: daypass setup aws aws\n',
  )
  expect(await said('setup', 'gcloud')).toBe(
    '2 error: daypass setup knows no tool "gcloud"\n  it knows aws, alibaba, git, docker, kubectl\n',
  )
  expect(await said('import', 'constructor')).toBe(
    '2 error: daypass import knows no tool "constructor"\n  it knows aws, aliyun, iac-code, cld\n',
  )
  expect(await said('setup', 'alibaba', 'default', '--login-session')).toBe(
    '2 error: --login-session says nothing to `daypass setup alibaba`\n  daypass setup alibaba <identity>\n',
  )
  expect(await said('import', 'iac-code')).toBe(
    `3 error: there is nothing in ${one.home}/.iac-code/.cloud-credentials.yml\n  daypass login alibaba\n`,
  )
  expect(existsSync(join(one.home, '.iac-code'))).toBe(false)
})
