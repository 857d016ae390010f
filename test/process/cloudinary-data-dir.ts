/** A home that is logged in to Cloudinary, at a stand-in of its own, and a clock for both that a test moves. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'
import { box } from '../cli/story.ts'
import { BROWSER, CLI, type Result, type RunOptions, type Sandbox } from '../kit/cli.ts'
import { needs } from '../kit/needs.ts'
import type { CloudinaryOptions, CloudinaryStandIn } from '../stand-ins/cloudinary/options.ts'
import { startCloudinary } from '../stand-ins/cloudinary/server.ts'

const ROOT = join(import.meta.dirname, '../..')
const CLOCK = join(ROOT, 'test/kit/clock.cjs')
export const SDK = join(ROOT, 'test/kit/cloudinary-sdk.mjs')

export const MINUTE = 60_000

export interface CloudinaryHome {
  one: Sandbox
  cloudinary: CloudinaryStandIn
  /** Time passes for the stand-in, for whoever runs and whoever is started from now on. */
  advance(milliseconds: number): void
  run(words: string, options?: RunOptions): Promise<Result>
}

/** What runs `daypass` by that clock. */
export const BY_CLOCK = [process.execPath, '--require', CLOCK, CLI]

export async function home(options: CloudinaryOptions = {}): Promise<CloudinaryHome> {
  const cloudinary = await startCloudinary(options)
  onTestFinished(() => cloudinary.close())
  const one = box({ ...cloudinary.env, BROWSER })
  const file = join(one.home, 'clock')
  one.env.CLOCK_FILE = file
  let ahead = 0
  const advance = (milliseconds: number) => {
    ahead += milliseconds
    writeFileSync(file, String(ahead))
    cloudinary.setClockOffset(ahead)
  }
  const run = (words: string, more: RunOptions = {}) =>
    one.run(words.split(' '), { program: BY_CLOCK, ...more })
  return { one, cloudinary, advance, run }
}

/** Logged in as `acme` by the scripted browser. */
export async function signedIn(options: CloudinaryOptions = {}): Promise<CloudinaryHome> {
  const made = await home(options)
  const { code, stderr } = await made.run('login cloudinary')
  if (code !== 0) throw new Error(`the login failed (${code})\n${stderr}`)
  return made
}

export function needsSdk(context: Pick<TestContext, 'skip'>): void {
  needs(context, join(ROOT, 'node_modules/cloudinary'))
}

/** A program with the SDK that was started by `daypass exec`, asked line by line. */
export function sdk({ one }: CloudinaryHome, words: string) {
  const running = one.start([...words.split(' '), '--', process.execPath, SDK], { program: BY_CLOCK })
  let asked = 0
  async function ask(line: string): Promise<Record<string, unknown>> {
    asked += 1
    running.write(`${line}\n`)
    const [answers] = await running.waitFor(new RegExp(`^(.+\\n){${asked}}`))
    return JSON.parse(answers.trimEnd().split('\n').at(-1)!)
  }
  return { ...running, ask }
}
