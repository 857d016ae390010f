/** One session in the AWS tools' cache, many who renew it, some of whom die on the way: nobody is logged out. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { getCallerIdentity } from '../../src/sts/aws.ts'
import type { Result, RunOptions } from '../kit/cli.ts'
import { hitAtEveryStep, type Story } from '../kit/steps.ts'
import { ADA, type Cloud, keyIn, keyOf, sharing } from '../tools/cloud.ts'

const MINUTE = 60_000

/** Inside our own folder, where each step at the file is told; what a refresh token was redeemed for is told again. */
const stale = async (inside = false): Promise<Cloud> => {
  const w = await sharing({ cacheInside: inside, ...(inside && { refreshWindow: 10 * MINUTE }) })
  w.cache.left(-1000)
  return w
}

/** Whose the keys are, by STS itself. */
async function callerOf({ aws }: Cloud, { stdout }: Result): Promise<string> {
  const said = JSON.parse(stdout) as Record<string, string>
  const credential = {
    kind: 'keys',
    cloud: 'aws',
    accessKeyId: said.AccessKeyId ?? said.accessKeyId ?? '',
    secretAccessKey: new Secret(said.SecretAccessKey ?? said.secretAccessKey ?? ''),
    sessionToken: new Secret(said.SessionToken ?? said.sessionToken ?? ''),
    issuedAt: 0,
  } as const
  const at = { url: aws.url, region: 'us-east-1', clockOffset: 0 }
  const outcome = await getCallerIdentity({ fetch, now: Date.now }, at, credential)
  return 'value' in outcome ? outcome.value.arn : outcome.refusal.code
}

/** We come first, and the SDK has the same keys, which AWS takes. */
async function expectBothServed(w: Cloud): Promise<void> {
  const key = await keyOf(w)
  const theirs = await w.sdk('work')
  expect(keyIn(theirs), theirs.stderr).toBe(key)
  expect(await callerOf(w, theirs)).toBe(ADA)
}

/** Both have keys, now and after the next renewal. */
async function expectSound(w: Cloud): Promise<void> {
  expect(keyIn(await w.sdk('work'))).toBe(keyIn(await w.run('credential-process', 'work')))
  w.cache.left(-1000)
  expect((await w.daypass().refresh('work', { force: true })).outcome).toBe('renewed')
  w.cache.left(-1000)
  const key = keyIn(await w.sdk('work'))
  expect(keyIn(await w.run('credential-process', 'work'))).toBe(key)
  expect(w.aws.stats().sessions).toMatchObject([{ reuses: 0 }])
}

test('twenty of us and the SDK at once: all have keys that AWS takes, and the session survives', async () => {
  const w = await stale()
  const ours = Array.from({ length: 20 }, () => w.run('credential-process', 'work'))
  const all = await Promise.all([...ours, w.sdkProcess('work')])
  expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(all.map(() => ({ code: 0, stderr: '' })))
  for (const one of all) expect(await callerOf(w, one)).toBe(ADA)
  expect(w.aws.stats()).toMatchObject({ refusals: [], sessions: [{ renewals: 1, reuses: 0 }] })
  await expectSound(w)
}, 120_000)

test('five SDKs and ten of us, who all renew it again and again, lose nothing', async () => {
  const w = await stale()
  for (let round = 0; round < 2; round++) {
    w.cache.left(-1000)
    const ours = Array.from({ length: 10 }, (_, index) =>
      index % 3 ? w.run('credential-process', 'work') : w.run('refresh', 'work', '--force'),
    )
    const theirs = Array.from({ length: 5 }, () => w.sdkProcess('work'))
    for (const { code, stderr } of await Promise.all(ours)) expect([code, code && stderr]).toEqual([0, 0])
    // An SDK may read what another has half written: that is between the two of them.
    await Promise.all(theirs)
  }
  await expectSound(w)
}, 120_000)

const credentials = ({ one }: Cloud, options: RunOptions) => one.run(['credential-process', 'work'], options)

test.skipIf(process.platform === 'win32')(
  'killed in front of any step of a renewal, the session is good for both',
  async () => {
    const story: Story<Cloud> = {
      prepare: () => stale(true),
      verb: credentials,
      async left(w) {
        const before = w.aws.stats().sessions[0]?.renewals
        await expectBothServed(w)
        const { renewals, reuses } = w.aws.stats().sessions[0]!
        expect([renewals, reuses]).toEqual([1, 0])
        return before ? 'renewed' : 'the next one renews'
      },
    }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('killed/shared.txt')
  },
  240_000,
)

test.skipIf(process.platform === 'win32')(
  'a disk that is full from some step on does not cost the session',
  async () => {
    const story: Story<Cloud> = {
      prepare: () => stale(true),
      verb: credentials,
      // Of making, writing and syncing a file, one is as bad as the others.
      fault: { error: 'ENOSPC', failing: /^(write|rename) (vault|aws)/ },
      async left(w, { code, stdout }) {
        const asked = w.aws.stats().by.refresh ?? 0
        expect(existsSync(join(w.one.daypassHome, 'aws'))).toBe(true)
        await expectBothServed(w)
        expect(w.aws.stats().sessions).toMatchObject([{ renewals: 1, reuses: 0 }])
        return `exit ${code}, ${stdout ? 'keys' : 'nothing'}, ${asked ? 'asked' : 'not asked'}`
      },
    }
    await expect(await hitAtEveryStep(story)).toMatchFileSnapshot('broken/shared.txt')
  },
  240_000,
)
