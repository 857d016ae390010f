/**
 * For `node --require`, in front of `daypass`: tells each step that changes or says something, just before it is done,
 * and sends the process a signal in front of one of them, or lets steps fail. The program knows nothing of it.
 *
 * STEPS_LOG=FILE          one line per step
 * STEPS_AT=N              the step, counted from 1; a program that takes fewer is hit before its last, `exit`
 * STEPS_AT=NAME           the first step of that name
 * STEPS_SIGNAL=SIGKILL    what it is sent
 * STEPS_ERROR=ENOSPC      sends nothing: what the system says of the step instead, and of those after it
 * STEPS_FAILING=REGEXP    if they are such steps
 * STEPS_TIMES=1           and no more than so many steps on
 */
const childProcess = require('node:child_process')
const fs = require('node:fs')
const { Server } = require('node:net')
const { basename, relative } = require('node:path')

const { STEPS_LOG, STEPS_AT, STEPS_SIGNAL = 'SIGKILL', DAYPASS_HOME = '' } = process.env
const { STEPS_ERROR, STEPS_FAILING = '', STEPS_TIMES = 'Infinity' } = process.env
const { openSync, writeSync, existsSync } = fs
const log = openSync(STEPS_LOG, 'a')
const at = Number(STEPS_AT)
const handles = new Map()
let taken = 0
let isHit = false
/** Some functions of Node call others of its own. */
let inside = false

function step(name, last = false) {
  taken += 1
  writeSync(log, `${name}\n`)
  if (STEPS_ERROR) return fail(name)
  if (isHit || !(name === STEPS_AT || taken === at || (last && taken < at))) return
  isHit = true
  process.kill(process.pid, STEPS_SIGNAL)
}

const failing = new RegExp(STEPS_FAILING)

function fail(name) {
  if (taken < at || taken >= at + Number(STEPS_TIMES) || !failing.test(name)) return
  throw Object.assign(new Error(`${STEPS_ERROR}, as the test has it`), { code: STEPS_ERROR })
}

/** What it is called in every run; `undefined`: none of ours. */
function named(path) {
  const inner = relative(DAYPASS_HOME, String(path)) || '.'
  if (inner.startsWith('..')) return undefined
  return inner
    .replace(/\.tmp-\d+-[0-9a-f]+-(.*)$/, '$1.tmp')
    .replace(/\.unreadable-\w+/, '.unreadable')
    .replace(/\b(key|__login)-[0-9a-f]{16}\b/, '$1')
}

/** Puts `tell` in front of a function; it gives the step's name, or nothing. `after` is told the result. */
function trace(owner, name, tell, after = () => undefined) {
  const original = owner[name]
  owner[name] = function (...args) {
    const told = inside ? undefined : tell.apply(this, args)
    if (told !== undefined) step(told)
    const outer = inside
    inside = true
    try {
      const result = original.apply(this, args)
      after(result, ...args)
      return result
    } finally {
      inside = outer
    }
  }
}

const { O_WRONLY, O_RDWR, O_CREAT } = fs.constants
const changes = (flags) =>
  typeof flags === 'string' ? !/^rs?$/.test(flags) : flags & (O_WRONLY | O_RDWR | O_CREAT)
const ofPath = (deed) => (path) => named(path) && `${deed} ${named(path)}`
const ofHandle = (deed) => (handle) => (handles.has(handle) ? `${deed} ${handles.get(handle)}` : undefined)
const ifThere = (deed, wanted) => (path) => (existsSync(path) === wanted ? ofPath(deed)(path) : undefined)

trace(
  fs,
  'openSync',
  (path, flags = 'r') => (changes(flags) ? ofPath(existsSync(path) ? 'open' : 'make')(path) : undefined),
  (handle, path) => named(path) && handles.set(handle, named(path)),
)
trace(fs, 'closeSync', (handle) => {
  const name = handles.get(handle)
  handles.delete(handle)
  return name?.endsWith('.lock') ? `unlock ${name}` : undefined
})
trace(fs, 'writeSync', (handle) => (handle === 1 ? 'say on stdout' : ofHandle('write')(handle)))
trace(fs, 'ftruncateSync', ofHandle('cut'))
trace(fs, 'fsyncSync', ofHandle('sync'))
trace(fs, 'fchmodSync', ofHandle('chmod'))
trace(fs, 'chmodSync', ofPath('chmod'))
trace(fs, 'renameSync', (from, to) => named(to) && `rename ${named(from)} to ${basename(named(to))}`)
trace(fs, 'mkdirSync', ifThere('make', false))
trace(fs, 'rmSync', ifThere('remove', true))
trace(fs, 'unlinkSync', ifThere('remove', true))
trace(childProcess, 'spawn', (program) => `run ${basename(program)}`)
trace(Server.prototype, 'listen', () => 'listen')
for (const name of ['stdout', 'stderr']) trace(process[name], 'write', () => `say on ${name}`)

for (const web of [require('node:http'), require('node:https')]) {
  const { request } = web
  web.request = (url, ...more) => {
    step(`ask ${url.pathname}`)
    return request(url, ...more).prependOnceListener('response', () => step(`hear ${url.pathname}`))
  }
}

process.on('exit', () => step('exit', true))
