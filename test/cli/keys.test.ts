/** Keys of a cloud in an environment: what carries them, and what may not stand beside them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { box, copyOf, loggedIn, withKeys } from './story.ts'

const { base } = await loggedIn()

const RIVALS = {
  AWS_PROFILE: 'another',
  AWS_SECURITY_TOKEN: 'of-another',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/',
}
const PRINT = ['exec', 'work', '--', process.execPath, '-p', 'JSON.stringify(process.env)']

test('a program has the keys, its region and their end, and nothing that would win over them', async () => {
  const one = copyOf(base)
  const { expiresAt } = await withKeys(one, 'work')
  const { stdout } = await one.run(PRINT, { env: { ...RIVALS, AWS_REGION: 'us-west-2', AWS_CA_BUNDLE: 'x' } })
  expect(JSON.parse(stdout)).toEqual({
    ...one.env,
    AWS_CA_BUNDLE: 'x',
    AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret/of+the=keys',
    AWS_SESSION_TOKEN: 'session/of+the=keys',
    AWS_CREDENTIAL_EXPIRATION: `${new Date(expiresAt!).toISOString().slice(0, 19)}Z`,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
  })
})

test('the session of other keys does not stand beside permanent ones', async () => {
  const one = copyOf(base)
  await withKeys(one, 'work', { sessionToken: undefined as never, expiresAt: undefined as never })
  const env = { AWS_SESSION_TOKEN: 'of-another', AWS_CREDENTIAL_EXPIRATION: '2026-01-02T03:04:05Z' }
  const { stdout } = await one.run(PRINT, { env })
  for (const name of Object.keys(env)) expect(JSON.parse(stdout)).not.toHaveProperty(name)
})

test('a shell that evaluates env has them, and after --unset it has not', async () => {
  const one = copyOf(base)
  await withKeys(one, 'work')
  const say = async (...words: string[]) => (await one.run(['env', '--format', 'bash', ...words])).stdout
  writeFileSync(join(one.home, 'set'), await say())
  writeFileSync(join(one.home, 'unset'), await say('--unset'))
  const script = '. ./set; env | grep ^AWS_ | sort; echo; . ./unset; env | grep -c ^AWS_'
  const { stdout } = await one.run(['-c', script], { program: ['sh'], env: RIVALS })
  expect(stdout.replace(/\d{4}-\S+Z/, 'TIME')).toBe(
    `${[
      'AWS_ACCESS_KEY_ID=ASIAEXAMPLE',
      'AWS_CREDENTIAL_EXPIRATION=TIME',
      'AWS_DEFAULT_REGION=eu-west-1',
      'AWS_REGION=eu-west-1',
      'AWS_SECRET_ACCESS_KEY=secret/of+the=keys',
      'AWS_SESSION_TOKEN=session/of+the=keys',
    ].join('\n')}\n\n0\n`,
  )
})

test.each(['json', 'dotenv'])(
  '%s cannot take a profile away, and says so where there is one',
  async (format) => {
    const one = copyOf(base)
    await withKeys(one, 'work')
    const env = { AWS_PROFILE: 'another' }
    const { stderr } = await one.run(['env', '--format', format], { env })
    expect(stderr).toBe(`! AWS_PROFILE: set here, where it wins, and ${format} cannot take it away\n`)
    expect((await one.run(['env', '--format', format])).stderr).toBe('')
  },
)

test('GitHub masks the two secrets', async () => {
  const one = copyOf(base)
  await withKeys(one, 'work')
  const file = join(one.home, 'github-env')
  const { stdout } = await one.run(['env', '--format', 'github'], { env: { GITHUB_ENV: file } })
  expect(stdout).toBe('::add-mask::secret/of+the=keys\n::add-mask::session/of+the=keys\n')
})

test('keys of the environment are handed on as they are', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'a-secret', AWS_PROFILE: 'another' }
  const { stdout } = await box().run(['env', '--format', 'bash'], { env })
  expect(stdout).toContain(`export AWS_ACCESS_KEY_ID='AKIA'\nexport AWS_SECRET_ACCESS_KEY='a-secret'\n`)
  expect(stdout).toContain('unset AWS_PROFILE\n')
})
