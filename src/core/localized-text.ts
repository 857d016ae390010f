import type { Host } from './types.ts'

interface Translations {
  en: string
  /** Simplified Chinese. */
  zh: string
}

/** A text that a provider shows to a person: English only, or in each supported language. */
export type LocalizedText = string | Translations

/** Matches `zh`, `zh_CN.UTF-8` and `zh-Hans-SG`; Traditional Chinese does not match. */
const SIMPLIFIED = /^zh(?:[_-](?:cn|sg|hans)(?![a-z]).*|[.@].*)?$/i

/** Selects the language of the locale (POSIX §8.2): `LC_ALL`, `LC_MESSAGES`, `LANG`. */
export function localize(words: LocalizedText, { env }: Pick<Host, 'env'>): string {
  if (typeof words === 'string') return words
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || ''
  return SIMPLIFIED.test(locale) ? words.zh : words.en
}
