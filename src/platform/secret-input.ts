// Parses what a terminal in raw mode sends into one text that is never shown. Pure: no clock, no terminal.

/** `maybe`: a line ended outside a paste; it is the whole text unless more arrives at once. */
type SecretState = 'more' | 'maybe' | 'end' | 'cancel'

export interface SecretInput {
  feed(chunk: string): SecretState
  text(): string
}

const MAX_SECRET_LENGTH = 1 << 20

/** Collects keys and pastes: Enter, backspace, Ctrl-U, Ctrl-C, Ctrl-D, bracketed paste. Ignores arrows. */
export function createSecretInput(): SecretInput {
  const typed: string[] = []
  let pasting = false
  /** The characters after an ESC, until the sequence is complete. */
  let sequence: string | undefined
  const extendSequence = (character: string) => {
    sequence += character
    if (!isCompleteSequence(sequence ?? '')) return
    if (sequence === '[200~') pasting = true
    if (sequence === '[201~') pasting = false
    sequence = undefined
  }
  const editText = (character: string) => {
    if (character === '\u0015') typed.length = 0
    else if (character === '\u007f' || character === '\b') typed.pop()
    else if (typed.length < MAX_SECRET_LENGTH && isTextCharacter(character))
      typed.push(character === '\r' ? '\n' : character)
  }
  const takeCharacter = (character: string): SecretState | undefined => {
    // Also inside a paste: a terminal that loses the paste's end must not lock the person in.
    if (character === '\u0003') return 'cancel'
    if (character === '\u0004' && !pasting) return 'end'
    if (character === '\u001b') sequence = ''
    else if (sequence === undefined) editText(character)
    else extendSequence(character)
    return undefined
  }
  return {
    feed(chunk) {
      for (const character of chunk) {
        const ending = takeCharacter(character)
        if (ending) return ending
      }
      return !pasting && sequence === undefined && typed.at(-1) === '\n' ? 'maybe' : 'more'
    },
    text: () => typed.join('').replace(/^\n+|\n+$/g, ''),
  }
}

function isTextCharacter(character: string): boolean {
  return character >= ' ' || '\r\n\t'.includes(character)
}

/** Checks ECMA-48 §5.4: `ESC [`, parameters, a final byte; `ESC O x` (function key); `ESC x` (Alt-x). */
function isCompleteSequence(sequence: string): boolean {
  if (sequence.startsWith('[')) return /^\[(\[.|[^@-~]*[@-Z\\-~])$/.test(sequence) || sequence.length > 32
  return sequence.startsWith('O') ? sequence.length > 1 : true
}
