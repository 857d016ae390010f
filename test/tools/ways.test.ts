/** Programs of somebody else's, by each way that we have to them: each time the keys are over, and they go on. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Result, Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import { signedIn as signedInToAlibaba, stale as staleAtAlibaba } from '../process/alibaba-home.ts'
import { signedIn as signedInToAws, stale as staleAtAws } from '../process/aws-home.ts'

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

const said = ({ stdout, stderr }: Result) => stdout || stderr

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

test.for([...WAYS, ['a profile', profile('aws', 'AWS_PROFILE')]] as const)(
  '%s: the SDK of AWS asks who it is',
  async ([, way]) => {
    const { one, expire, expectSound } = await atAws()
    const run = await way.prepare(one)
    for (const before of [async () => undefined, expire]) {
      await before()
      expect(said(await run([process.execPath, SDK, 'aws']))).toContain(ADA_OF_AWS)
    }
    expectSound()
  },
)

/** The profile has tests of its own. */
test.for(WAYS.filter(([how]) => how !== 'env'))(
  '%s: AWS’ command line asks who it is',
  async ([, way], context) => {
    needs(context, '/usr/bin/aws')
    const { one, url, expire, expectSound } = await atAws()
    const run = await way.prepare(one)
    await expire()
    const words = ['--endpoint-url', url, 'sts', 'get-caller-identity', '--output', 'json']
    expect(said(await run(['/usr/bin/aws', ...words]))).toContain(ADA_OF_AWS)
    expectSound()
  },
)

test.for([...WAYS, ['a profile', profile('alibaba', 'ALIBABA_CLOUD_PROFILE')]] as const)(
  '%s: the SDK of Alibaba Cloud asks who it is',
  async ([, way]) => {
    const { one, ali, close } = await signedInToAlibaba()
    onTestFinished(close)
    one.env.STS_HOST = new URL(ali.url).host
    const run = await way.prepare(one)
    const expire = async () => {
      ali.expireKeys()
      await staleAtAlibaba(one, HOUR)
    }
    for (const before of [async () => undefined, expire]) {
      await before()
      expect(said(await run([process.execPath, SDK, 'alibaba']))).toContain(ADA_OF_ALIBABA)
    }
    expect(ali.stats()).toMatchObject({ refusals: [], by: { exchange: 2 } })
  },
)
