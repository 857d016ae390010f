import type { Host } from './types.ts'

/** A text in every language that there is. */
interface Translations {
  en: string
  /** Simplified Chinese. */
  zh: string
}

/** What a provider's file says to a person: in English alone, or in their own language. */
export type LocalizedText = string | Translations

/** `zh`, `zh_CN.UTF-8`, `zh-Hans-SG`; not Traditional Chinese. */
const SIMPLIFIED = /^zh(?:[_-](?:cn|sg|hans)(?![a-z]).*|[.@].*)?$/i

/** In the language of the environment's locale (POSIX §8.2): `LC_ALL`, `LC_MESSAGES`, `LANG`. */
export function localize(words: LocalizedText, { env }: Pick<Host, 'env'>): string {
  if (typeof words === 'string') return words
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || ''
  return SIMPLIFIED.test(locale) ? words.zh : words.en
}
