/** Terraform itself, whose state is in a bucket that only good keys open: at our endpoint, by a profile, by variables. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { filesBelow } from '../../cli/story.ts'
import type { RunOptions } from '../../kit/cli.ts'
import { needs } from '../../kit/needs.ts'
import { expectDone, signedIn, stale } from '../../process/aws-data-dir.ts'
import { startS3 } from '../../stand-ins/aws/s3.ts'

beforeEach((context) => needs(context, 'terraform'))

const ADA = 'arn:aws:iam::111122223333:user/ada'
const BUCKET = 'states'

/** What it manages is its own, and the services that it is told of are ours: nothing leaves this machine. */
const configuration = (s3: string, sts: string, meanwhile: string) => `terraform {
  backend "s3" {
    bucket         = "${BUCKET}"
    key            = "one.tfstate"
    region         = "us-east-1"
    endpoints      = { s3 = "${s3}", sts = "${sts}" }
    use_path_style = true
    use_lockfile   = true

    skip_requesting_account_id = true
    skip_metadata_api_check    = true
  }
}

resource "terraform_data" "answer" {
  input = 42
  provisioner "local-exec" {
    command = "${meanwhile}"
  }
}
`

/** Seconds. Of keys that have less than five minutes left, Terraform asks for newer ones before each request. */
const SHORT = 240

async function scene(meanwhile = 'true') {
  const { one, aws } = await signedIn({ credentialsTtl: SHORT })
  const s3 = await startS3(aws, BUCKET)
  onTestFinished(() => s3.close())
  const folder = join(one.home, 'infra')
  mkdirSync(folder)
  writeFileSync(join(folder, 'main.tf'), configuration(s3.url, aws.url, meanwhile))
  const env = { CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', AWS_EC2_METADATA_DISABLED: 'true' }
  const options: RunOptions = { cwd: folder, env, timeout: 60_000 }
  /** The keys of now are over, and our own record says so. */
  const expire = async () => {
    aws.expireKeys()
    await stale(one, 'work')
  }
  return { one, aws, s3, options, expire }
}

type Scene = Awaited<ReturnType<typeof scene>>

const INIT = ['init', '-no-color', '-input=false']
const APPLY = ['apply', '-no-color', '-auto-approve']
const LIST = ['state', 'list']

const terraform = ({ one, options }: Scene, words: readonly string[], env: Record<string, string> = {}) =>
  one.run(words, { ...options, program: ['terraform'], env: { ...options.env, ...env } })

/** A program that runs for long, under our endpoint, and starts Terraform as it is told line by line. */
function longRunning({ one, options }: Scene) {
  const loop = 'while read -r words; do terraform $words; echo "exit $?"; done'
  const running = one.start(['exec', 'work', '--endpoint', '--', 'sh', '-c', loop], options)
  let told = 0
  const tell = (words: readonly string[]) => {
    told += 1
    running.write(`${words.join(' ')}\n`)
    return running.waitFor(new RegExp(`(?:[^]*?^exit (\\d+)$){${told}}`, 'm')).then(([, code]) => code)
  }
  return { ...running, tell }
}

/** All of it was ada's doing, each time with other keys, and nobody was refused anything. */
function expectSound({ s3, aws, one }: Scene, sets: number) {
  expect(new Set(s3.seen().map(({ arn }) => arn))).toEqual(new Set([ADA]))
  expect(new Set(s3.seen().map(({ key }) => key)).size).toBe(sets)
  expect(aws.stats().refusals).toEqual([])
  expect(s3.seen().map(({ request }) => request)).toContain('PUT /states/one.tfstate.tflock')
  expect([...s3.objects.keys()]).toEqual(['one.tfstate'])
  for (const [path, text] of filesBelow(one.home))
    for (const secret of aws.issued()) expect(text.includes(secret), path).toBe(false)
}

test('exec --endpoint: init, apply and state list, with keys that are over after each, and while it applies', async () => {
  const w = await scene('cat ../gate')
  const gate = join(w.one.home, 'gate')
  execFileSync('mkfifo', [gate])
  const program = longRunning(w)
  expect(await program.tell(INIT)).toBe('0')
  await w.expire()
  const applied = program.tell(APPLY)
  await program.waitFor(/Executing: .*cat/)
  await w.expire()
  await writeFile(gate, 'on')
  expect(await applied).toBe('0')
  await w.expire()
  expect(await program.tell(LIST)).toBe('0')
  program.endInput()
  const { code, stdout, stderr } = await program.ended
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^terraform_data\.answer\nexit 0\n$/m)
  expectSound(w, 4)
})

test('a profile that asks us: the same from step to step', async () => {
  const w = await scene()
  await expectDone(w.one, 'setup aws work')
  for (const words of [INIT, APPLY, LIST]) {
    expect(await terraform(w, words, { AWS_PROFILE: 'work' })).toMatchObject({ code: 0, stderr: '' })
    await w.expire()
  }
  expectSound(w, 3)
})

test('variables are good until the keys are over; then the bucket says no', async () => {
  const w = await scene()
  const { stdout } = await expectDone(w.one, 'env work --json')
  const env = JSON.parse(stdout)
  expect(await terraform(w, INIT, env)).toMatchObject({ code: 0, stderr: '' })
  await w.expire()
  const { code, stderr } = await terraform(w, APPLY, env)
  expect([code, stderr]).toEqual([1, expect.stringContaining('ExpiredToken')])
  const again = await w.one.run(['exec', 'work', '--', 'terraform', ...APPLY], w.options)
  expect(again).toMatchObject({ code: 0, stderr: '' })
})

test('a login that ends is told by Terraform in our words', async () => {
  const w = await scene()
  const program = longRunning(w)
  expect(await program.tell(INIT)).toBe('0')
  await expectDone(w.one, 'logout work')
  expect(await program.tell(LIST)).toBe('1')
  program.endInput()
  expect((await program.ended).stderr).toContain('daypass login work')
})
