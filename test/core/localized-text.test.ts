import { expect, test } from 'vitest'
import { parseTime } from '../../src/core/duration.ts'
import { localize } from '../../src/core/localized-text.ts'

const WORDS = { en: 'yes', zh: '是' }

test.each([
  [{}, 'yes'],
  [{ LANG: 'C.UTF-8' }, 'yes'],
  [{ LANG: 'de_DE.UTF-8' }, 'yes'],
  [{ LANG: 'zh_CN.UTF-8' }, '是'],
  [{ LANG: 'zh' }, '是'],
  [{ LANG: 'zh.UTF-8' }, '是'],
  [{ LANG: 'zh_SG' }, '是'],
  [{ LANG: 'zh-Hans' }, '是'],
  [{ LANG: 'zh_Hans_CN.UTF-8' }, '是'],
  // Traditional Chinese is another one, and so is Zhuang.
  [{ LANG: 'zh_TW.UTF-8' }, 'yes'],
  [{ LANG: 'zh-Hant-HK' }, 'yes'],
  [{ LANG: 'zha' }, 'yes'],
  // The first that is set wins, whatever it says.
  [{ LC_ALL: 'C', LC_MESSAGES: 'zh_CN', LANG: 'zh_CN' }, 'yes'],
  [{ LC_MESSAGES: 'zh_CN', LANG: 'en_US' }, '是'],
  [{ LC_ALL: '', LC_MESSAGES: 'zh_CN' }, '是'],
])('the language of %o', (env, said) => {
  expect(localize(WORDS, { env })).toBe(said)
  expect(localize('as it is', { env })).toBe('as it is')
})

test.each([
  ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02T11:04:05+08:00', Date.UTC(2026, 0, 2, 3, 4, 5)],
  [1_767_323_045, 1_767_323_045_000],
  ['1767323045', 1_767_323_045_000],
  [1_767_323_045_678, 1_767_323_045_678],
  [0, undefined],
  [-5, undefined],
  [Number.NaN, undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [{}, undefined],
])('a moment that somebody wrote: %o', (written, time) => {
  expect(parseTime(written)).toBe(time)
})
