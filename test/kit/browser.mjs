#!/usr/bin/env node
/**
 * A browser for `$BROWSER` that needs no screen: takes the URL as its argument, signs in and consents.
 *
 * SCRIPTED_BROWSER=approve|deny|fail   what the person does; `fail` exits 3 at once, like a broken opener
 * SCRIPTED_BROWSER_USER=ada            who they are
 * SCRIPTED_BROWSER_LOG=FILE            one JSON line per visit: {"opened","url","status","body"} or {"opened","error"}
 */
import { appendFileSync } from 'node:fs'
import { scriptedBrowser } from '../../build/scripted-browser.mjs'

const {
  SCRIPTED_BROWSER: decision = 'approve',
  SCRIPTED_BROWSER_USER: user = 'ada',
  SCRIPTED_BROWSER_LOG: log,
} = process.env
const opened = process.argv.at(-1)
const note = (entry) => log && appendFileSync(log, `${JSON.stringify({ opened, ...entry })}\n`)

if (decision === 'fail') process.exit(3)
try {
  const { url, status, body } = await scriptedBrowser({ decision, user }).visit(opened)
  note({ url, status, body })
} catch (error) {
  note({ error: String(error) })
  process.exitCode = 1
}
