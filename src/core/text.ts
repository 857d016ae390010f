const MAX_LENGTH = 200

/**
 * Makes text of a server or a stranger safe to show on a terminal, which would obey control characters:
 * removes control, bidirectional and invisible characters, folds white space, and cuts at 200 characters.
 */
export function sanitize(text: unknown): string {
  const clean = stripUnsafeCharacters(text)
  const points = Array.from(clean)
  return points.length > MAX_LENGTH ? `${points.slice(0, MAX_LENGTH - 1).join('')}…` : clean
}

/** Does the same without the limit of length. */
export function stripUnsafeCharacters(text: unknown): string {
  // An object from a server may have a `toString` that is not a function.
  return cleanLines(typeof text === 'object' && text !== null ? '[object]' : String(text))
    .replace(/[\n\t ]+/g, ' ')
    .trim()
}

/** The same of a text of several lines: line breaks, tabs and spaces stay. */
export function cleanLines(text: string): string {
  return (
    text
      // Comes first: removing an invisible character between two half surrogates would join them.
      .replace(/\p{Cs}/gu, '\ufffd')
      .replace(/\r\n/g, '\n')
      .replace(/[^\P{Cc}\n\t]+|[\u2028\u2029]+/gu, ' ')
      .replace(/[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu, '')
  )
}

/** The text, its web addresses without the names and passwords that they hold (RFC 3986 §3.2.1). */
export const hidePasswords = (text: string) => text.replace(/(https?:\/\/)[^\s/?#@]*:[^\s/?#]*@/gi, '$1')
