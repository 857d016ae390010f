// clack's spinner is not used: it takes over stdin (which blocks pasting), exits with 0 on Ctrl-C, and draws
// into pipes.

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const ERASE = '\r\u001b[2K'
const FRAME_INTERVAL = 80

export interface Spinner {
  start(label: string): () => void
  /** Hides the spinner while other text is written, so that lines are never mixed. */
  around<T>(work: () => T): T
  /** Hides it until the returned function is called. */
  hold(): () => void
}

/** Creates a spinner in the last line of a terminal. The cursor stays visible, so nothing needs restoring. */
export function createSpinner(write: (text: string) => void, paint: (frame: string) => string): Spinner {
  const labels: string[] = []
  let held = 0
  let frame = 0
  let timer: NodeJS.Timeout | undefined
  const label = () => (held > 0 ? undefined : labels.at(-1))
  const erase = () => label() !== undefined && write(ERASE)
  const draw = () => {
    const text = label()
    if (text !== undefined) write(`${ERASE}${paint(FRAMES[frame % FRAMES.length]!)} ${text}`)
  }
  const tick = () => {
    clearInterval(timer)
    timer = undefined
    if (labels.length === 0) return
    timer = setInterval(() => {
      frame += 1
      draw()
    }, FRAME_INTERVAL)
    timer.unref()
  }
  const change = (mutate: () => void) => {
    erase()
    mutate()
    draw()
  }
  return {
    start(text) {
      change(() => labels.push(text))
      tick()
      return limitToOnce(() => {
        change(() => labels.splice(labels.lastIndexOf(text), 1))
        tick()
      })
    },
    around(work) {
      erase()
      const result = work()
      draw()
      return result
    },
    hold() {
      change(() => {
        held += 1
      })
      return limitToOnce(() =>
        change(() => {
          held -= 1
        }),
      )
    },
  }
}

function limitToOnce(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}
