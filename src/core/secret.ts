import { inspect } from 'node:util'

const PLACEHOLDER = '[secret]'

/**
 * A value that cannot be printed by accident: `String()`, template literals, `JSON.stringify` and
 * `util.inspect` all give `[secret]`. Only {@link Secret.reveal} gives the text, and a test holds the list of
 * folders that may call it.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  equals(other: Secret | string | undefined): boolean {
    if (other === undefined) return false
    return this.#text === (typeof other === 'string' ? other : other.#text)
  }

  /** Returns `****` and the last four characters of a value longer than 16 characters, else `****`. */
  masked(): string {
    return this.#text.length > 16 ? `****${this.#text.slice(-4)}` : '****'
  }

  toString(): string {
    return PLACEHOLDER
  }

  toJSON(): string {
    return PLACEHOLDER
  }

  [inspect.custom](): string {
    return PLACEHOLDER
  }
}
