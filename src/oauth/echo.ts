/** What a request said in confidence, and a server repeats in its answer. */

/**
 * The text without the secrets. One that is written in another way (base64, percent-encoded, with something invisible or
 * blank between its characters) takes the whole text with it.
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  const plain = secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
  const views = [compact(plain), compact(decodePercent(plain))]
  const hasEcho = secrets.some((secret) =>
    listSpellings(secret).some((spelling) => views.some((view) => view.includes(spelling))),
  )
  return hasEcho ? '[secret]' : plain
}

/** What can be seen of it, in the alphabet of base64 alone. */
const compact = (text: string) =>
  text
    .replace(/[^\x21-\x7e]+/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')

/** Once and twice; what is no such code stays. */
function decodePercent(text: string): string {
  const decode = (one: string) =>
    one.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return decode(decode(text))
}

/** Shorter ones are found everywhere. */
const MIN_SPELLING = 8

function listSpellings(secret: string): string[] {
  // Within a longer text, base64 has it in one of three ways; the characters at its ends belong to its neighbours, too.
  const encoded = [0, 1, 2].map((before) => {
    const base64 = Buffer.from(`${' '.repeat(before)}${secret}`)
      .toString('base64')
      .replace(/=+$/, '')
    return base64.slice(before === 0 ? 0 : before + 1, -1)
  })
  return [compact(secret), ...encoded].filter(({ length }) => length >= MIN_SPELLING)
}
