import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, type TestContext } from 'vitest'

const EXECUTABLE = process.env.DAYPASS_CHROMIUM ?? '/usr/bin/chromium'

/** A folder for screenshots, where somebody wants to look at them. */
export const SHOTS = process.env.DAYPASS_SHOTS

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** Debian's Chromium for all tests of a file; skips the test that asks for it where there is none. */
export function realBrowser(): (context: TestContext) => Browser {
  let browser: Browser | undefined
  beforeAll(async () => {
    if (existsSync(EXECUTABLE)) browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS })
  }, 60_000)
  afterAll(() => browser?.close())
  return (context) => browser ?? context.skip(`not installed: ${EXECUTABLE}`)
}
