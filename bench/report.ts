/** Writes the measurements as a page for people. */
import type { Spread } from './measure.ts'

/** A limit, and the measured value. */
export interface Limit {
  promise: string
  measured: number
  limit: number
  unit: '×' | ''
}

export interface Section {
  title: string
  /** How it was measured, and what the words in the table mean. */
  text: string
  head: readonly string[]
  rows: readonly (readonly string[])[]
  limits?: readonly Limit[]
}

export const isWithin = ({ measured, limit }: Limit) => measured <= limit

export const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`
export const times = (value: number) => `${value.toFixed(2)} ×`
export const spread = ({ low, high }: Spread) => `${low.toFixed(1)} to ${high.toFixed(1)}`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(line).join('\n')
}

const limitRow = (one: Limit) => {
  const said = (value: number) => (one.unit === '×' ? times(value) : String(value))
  return [one.promise, said(one.measured), said(one.limit), isWithin(one) ? 'yes' : '**NO**']
}

const chapter = ({ title, text, head, rows }: Section) => `## ${title}\n\n${text}\n\n${table(head, rows)}\n`

export function page(about: string, sections: readonly Section[]): string {
  const limits = sections.flatMap((section) => section.limits ?? [])
  const kept = table(['promise', 'measured', 'at most', 'kept'], limits.map(limitRow))
  return [`# Benchmarks\n\n${about}\n`, `## Promises\n\n${kept}\n`, ...sections.map(chapter)].join('\n')
}
