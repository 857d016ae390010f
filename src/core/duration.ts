import { DaypassError } from './errors.ts'
import type { Time } from './types.ts'

const UNIT = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Parses `90s`, `10m`, `1h30m`, `2d` or a bare number of seconds to milliseconds. Throws `usage`. */
export function parseDuration(text: string, what = 'duration'): number {
  const parts = [...text.matchAll(/(\d+)(s|m|h|d)/gy)]
  const whole = parts.map((part) => part[0]).join('')
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (parts.length === 0 || whole !== text) {
    throw new DaypassError('usage', `${what} ${JSON.stringify(text.slice(0, 40))} is not a length of time`, {
      hint: 'write it like 90s, 10m, 1h30m or 12h',
    })
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT[unit as keyof typeof UNIT], 0)
}

/** Formats milliseconds as the two largest units, rounded down: `11h 59m`, `4m 30s`, `45s`, `3d 2h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** Parses ISO 8601, or seconds or milliseconds since 1970. Returns undefined for anything else. */
export function parseTime(written: unknown): Time | undefined {
  const number = typeof written === 'string' && /^\d+$/.test(written) ? Number(written) : written
  if (typeof number === 'string') return parseTime(Date.parse(number))
  if (typeof number !== 'number' || !(number > 0)) return undefined
  return number < SMALLEST_MILLISECONDS ? number * 1000 : number
}

/** A smaller number means seconds; as milliseconds it would be a moment before March 1973. */
const SMALLEST_MILLISECONDS = 1e11

/** The last moment a Date can hold (ECMA-262 §21.4.1.1). A server may name a later one. */
const LATEST_TIME = 8.64e15

/** Formats as ISO 8601 in UTC without milliseconds: `2026-11-20T21:10:34Z`. */
export function formatTime(time: Time): string {
  return new Date(Math.min(Math.max(time, -LATEST_TIME), LATEST_TIME)).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
