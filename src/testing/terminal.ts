import { DaypassError } from '../core/errors.ts'
import type { Terminal } from '../core/types.ts'

/** An answer, or a function that returns it for the question. */
type Answer<T> = T | ((question: string) => T | Promise<T>)

export interface ScriptedTerminalOptions {
  /** Default false: no person is present. */
  interactive?: boolean
  /**
   * The person's answers by kind of question, in order. Without further answers `choose` is cancelled,
   * `confirm` gets no, `ask` gets the proposed text, and `readSecret` gets the end of input, or nothing on an
   * interactive terminal.
   */
  answers?: {
    readSecret?: readonly Answer<string>[]
    choose?: readonly Answer<string>[]
    confirm?: readonly Answer<boolean>[]
    ask?: readonly Answer<string>[]
  }
}

export interface ScriptedTerminal extends Terminal {
  /** Every text that was shown. */
  said: readonly string[]
  warned: readonly string[]
  /** Every question, of any kind. */
  asked: readonly string[]
  /** Labels of the spinners that were shown. */
  busied: readonly string[]
  /** Waits for a text that matches; a text from before counts. */
  heard(pattern: RegExp): Promise<RegExpMatchArray>
}

const rejectOnAbort = (signal?: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

async function takeAnswer<T>(script: Answer<T>[], question: string): Promise<T | undefined> {
  const answer = script.shift()
  return typeof answer === 'function' ? (answer as (question: string) => T | Promise<T>)(question) : answer
}

/** Creates a terminal whose person follows a script, and that records every text. */
export function scriptedTerminal(options: ScriptedTerminalOptions = {}): ScriptedTerminal {
  const { interactive = false, answers = {} } = options
  const secrets = [...(answers.readSecret ?? [])]
  const choices = [...(answers.choose ?? [])]
  const decisions = [...(answers.confirm ?? [])]
  const texts = [...(answers.ask ?? [])]
  const said: string[] = []
  const warned: string[] = []
  const asked: string[] = []
  const busied: string[] = []
  const listeners = new Set<(text: string) => void>()

  /** Asks a question that needs a person at a terminal. */
  function ask<T>(script: Answer<T>[], question: string): Promise<T | undefined> {
    if (!interactive) throw new DaypassError('usage', 'there is nobody to ask: this is not a terminal')
    asked.push(question)
    return takeAnswer(script, question)
  }

  function waitForText(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve) => {
      const listener = (text: string) => {
        const match = text.match(pattern)
        if (match === null) return
        listeners.delete(listener)
        resolve(match)
      }
      listeners.add(listener)
      for (const text of said) listener(text)
    })
  }

  return {
    interactive,
    said,
    warned,
    asked,
    busied,
    heard: waitForText,
    say(text) {
      said.push(text)
      for (const listener of listeners) listener(text)
    },
    warn: (text) => void warned.push(text),
    busy(label) {
      busied.push(label)
      return () => undefined
    },
    async readSecret(prompt, signal) {
      signal?.throwIfAborted()
      asked.push(prompt)
      const withdrawn = rejectOnAbort(signal)
      const typed = takeAnswer(secrets, prompt).then(
        (answer) => answer ?? (interactive ? withdrawn : undefined),
      )
      return Promise.race([typed, withdrawn])
    },
    async choose<T extends string>(question: string, among: readonly { value: T }[]) {
      const answer = await ask(choices, question)
      const chosen = among.find(({ value }) => value === answer)?.value
      if (answer === undefined || chosen !== undefined) return chosen
      throw new Error(`the script chooses ${answer}, which is not offered by: ${question}`)
    },
    confirm: async (question) => (await ask(decisions, question)) ?? false,
    ask: async (question, proposed) => (await ask(texts, question)) ?? proposed ?? '',
  }
}
