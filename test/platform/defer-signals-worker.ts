import { deferSignals } from '../../src/platform/defer-signals.ts'

const [, , listens] = process.argv
if (listens === 'listens') {
  process.on('SIGINT', () => {
    console.log('heard')
    process.exit(130)
  })
}

// Not heard yet when the work begins: Node tells of a signal when it comes round to it.
if (process.argv[3] === 'early') process.kill(process.pid, 'SIGINT')

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

await Promise.all([
  deferSignals(async () => {
    console.log('began')
    await pause(300)
    console.log('first kept')
  }),
  deferSignals(() => pause(500).then(() => console.log('second kept'))),
])
await pause(300)
console.log('went on')
