/** Programs of somebody else's, by each way that we have to them: each time the keys are over, and they go on. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Result, Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { signedIn as signedInToAlibaba, stale as staleAtAlibaba } from '../process/alibaba-data-dir.ts'
import { signedIn as signedInToAws, stale as staleAtAws } from '../process/aws-data-dir.ts'

const SDK = join(import.meta.dirname, '../kit/asking-sdk.mjs')

const HOUR = 3_600_000

/** Starts a program that is given, in some way, what `work` may do. */
type Run = (program: readonly string[]) => Promise<Result>

interface Way {
  /** What is done once, while the keys of the login are good. */
  prepare(one: Sandbox): Promise<Run>
}

const input = 'ask\n'

const by = (...words: string[]): Way => ({
  prepare: async (one) => (program) => one.run([...words, '--', ...program], { input }),
})

const variables: Way = {
  prepare: async (one) => async (program) => {
    const { stdout } = await one.run(['env', 'work', '--json'])
    return one.run([], { program, input, env: JSON.parse(stdout) })
  },
}

/** For programs of before 2024, which do not know the variable that names a file. */
const OLDER = 'export AWS_CONTAINER_AUTHORIZATION_TOKEN="$(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")"'

const served: Way = {
  async prepare(one) {
    const running = one.start(['serve', 'work'])
    const [text] = await running.waitFor(/^(?:[a-z]+ .*\n)+/m)
    const lines = text.includes('_TOKEN_FILE=') ? `${text}${OLDER}` : text
    return (program) => one.run(program, { program: ['bash', '-c', `${lines}\nexec "$@"`, 'bash'], input })
  },
}

const profile = (tool: string, variable: string): Way => ({
  async prepare(one) {
    const { code, stderr } = await one.run(['setup', tool, 'work'])
    expect(code, stderr).toBe(0)
    return (program) => one.run([], { program, input, env: { [variable]: 'work' } })
  },
})

const WAYS: [string, Way][] = [
  ['exec', by('exec', 'work')],
  ['exec --endpoint', by('exec', 'work', '--endpoint')],
  ['env', variables],
  ['serve', served],
]

const ADA_OF_AWS = 'arn:aws:iam::111122223333:user/ada'
const ADA_OF_ALIBABA = 'acs:ram::1234567890123456:user/ada'

/** Prepared, each in its way, in a home where they meet. */
async function prepared(one: Sandbox, ways: readonly (readonly [string, Way])[]) {
  const runs = await Promise.all(ways.map(async ([how, way]) => [how, await way.prepare(one)] as const))
  /** All at once. */
  return async (program: readonly string[], who: string) => {
    const results = await Promise.all(runs.map(async ([how, run]) => ({ how, ...(await run(program)) })))
    for (const { how, stdout, stderr } of results) expect(stdout || stderr, how).toContain(who)
  }
}

/** A home at AWS, and what makes the keys of now end. */
async function atAws() {
  const { one, aws } = await signedInToAws()
  one.env.AWS_EC2_METADATA_DISABLED = 'true'
  const expire = async () => {
    aws.expireKeys()
    await staleAtAws(one, 'work')
  }
  const expectSound = () => expect(aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 1 }] })
  return { one, url: aws.url, expire, expectSound }
}

test('the SDK of AWS asks who it is', async () => {
  const { one, expire, expectSound } = await atAws()
  const ask = await prepared(one, [...WAYS, ['a profile', profile('aws', 'AWS_PROFILE')]])
  await ask([process.execPath, SDK, 'aws'], ADA_OF_AWS)
  await expire()
  await ask([process.execPath, SDK, 'aws'], ADA_OF_AWS)
  expectSound()
})

/** The profile has tests of its own. */
test('AWS’ command line asks who it is', async (context) => {
  needs(context, '/usr/bin/aws')
  const { one, url, expire, expectSound } = await atAws()
  const boto = '[Credentials]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n'
  writeFileSync(join(one.home, '.boto'), boto)
  const ask = await prepared(one, WAYS)
  await expire()
  const words = ['--endpoint-url', url, 'sts', 'get-caller-identity']
  await ask(['/usr/bin/aws', ...words], ADA_OF_AWS)
  expectSound()
})

test('the SDK of Alibaba Cloud asks who it is', async () => {
  const { one, ali, close } = await signedInToAlibaba()
  onTestFinished(close)
  one.env.STS_HOST = new URL(ali.url).host
  const ask = await prepared(one, [...WAYS, ['a profile', profile('alibaba', 'ALIBABA_CLOUD_PROFILE')]])
  await ask([process.execPath, SDK, 'alibaba'], ADA_OF_ALIBABA)
  ali.expireKeys()
  await staleAtAlibaba(one, HOUR)
  await ask([process.execPath, SDK, 'alibaba'], ADA_OF_ALIBABA)
  expect(ali.stats()).toMatchObject({ refusals: [], by: { exchange: 2 } })
})
