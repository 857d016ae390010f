/** Reads the first form of a sign-in page, and its submit buttons. */

export interface FormAnswers {
  decision: 'approve' | 'deny'
  user: string
  password: string
}

export interface FormRequest {
  method: 'GET' | 'POST'
  url: string
  fields: URLSearchParams
  /** The person refuses; a page after that is not answered. */
  denies: boolean
}

const DENYING = /\b(deny|abort|cancel|reject)/i

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

const decodeEntities = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]!)

type Attributes = Record<string, string | undefined>

function parseTagAttributes(tag: string): Attributes {
  const pairs = [...tag.matchAll(/([a-z][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)]
  return Object.fromEntries(
    pairs.map(([, name, a, b, c]) => [name!.toLowerCase(), decodeEntities(a ?? b ?? c ?? '')]),
  )
}

const parseTags = (html: string, name: string): Attributes[] =>
  [...html.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'gi'))].map(([tag]) => parseTagAttributes(tag))

function fillInput(input: Attributes, { user, password }: FormAnswers): string {
  if (input.type === 'password') return password
  // Prefilled values (a login hint, a user code) stay.
  return input.value || (input.type === 'hidden' ? '' : user)
}

function findCancelLink(html: string): string | undefined {
  return parseTags(html, 'a').find(({ href }) => href !== undefined && DENYING.test(href))?.href
}

/** Builds the next request of a person with these answers. Returns undefined where the page has no form. */
export function buildNextRequest(html: string, base: string, answers: FormAnswers): FormRequest | undefined {
  const found = html.match(/<form\b[^>]*>([\s\S]*?)<\/form>/i)
  if (!found) return undefined
  const form = parseTagAttributes(found[0].slice(0, found[0].indexOf('>') + 1))
  const buttons = parseTags(html, 'button').filter(({ name }) => name !== undefined)
  const isDenying = ({ name, value }: Attributes): boolean => DENYING.test(`${name} ${value}`)
  const deny = answers.decision === 'deny'
  const button = buttons.find((one) => isDenying(one) === deny)
  const link = deny && button === undefined ? findCancelLink(html) : undefined
  if (link !== undefined) {
    return { method: 'GET', url: new URL(link, base).href, fields: new URLSearchParams(), denies: true }
  }
  const inputs = parseTags(found[1]!, 'input').filter(({ name }) => name !== undefined)
  const fields = new URLSearchParams(inputs.map((input) => [input.name!, fillInput(input, answers)]))
  if (button !== undefined) fields.set(button.name!, button.value ?? '')
  const method = form.method?.toUpperCase() === 'POST' ? 'POST' : 'GET'
  return {
    method,
    url: new URL(form.action ?? base, base).href,
    fields,
    denies: deny && button !== undefined,
  }
}
