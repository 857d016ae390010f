import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { renderOutcomePage, renderPlainResponse } from '../../src/login/callback-page.ts'

const inner = (html: string, tag: string) =>
  [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map((found) => found[1]!)

describe.each(['kept', 'failed'] as const)('the page for %s', (outcome) => {
  const { status, headers, body } = renderOutcomePage(outcome, 'AWS')
  const policy = headers['Content-Security-Policy']!

  test('its policy allows the one style and the one script, by what they are', () => {
    expect(policy).toContain("default-src 'none'")
    for (const [tag, directive] of [
      ['style', 'style-src'],
      ['script', 'script-src'],
    ] as const) {
      const [text, ...more] = inner(body, tag)
      expect(more).toEqual([])
      const hash = createHash('sha256').update(text!).digest('base64')
      expect(policy).toContain(`${directive} 'sha256-${hash}'`)
    }
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("base-uri 'none'")
    expect(policy).toContain("form-action 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
  })

  test('it is not cached, its type is not guessed, and no site learns where it came from', () => {
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      Connection: 'close',
    })
  })

  test('it loads nothing and is written in a stated language', () => {
    expect(body).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(body).not.toMatch(/(src|href)="(?!data:)/)
    expect(body).not.toMatch(/ style="| on[a-z]+="/)
    expect(body).toContain("history.replaceState(null,'',location.pathname)")
  })

  test('the title of a provider is text', () => {
    const hostile = renderOutcomePage(outcome, `<img src=x onerror=alert(1)>"'&`).body
    expect(hostile).not.toContain('<img')
    expect(hostile).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;')
  })
})

test('each says what happened', () => {
  expect(renderOutcomePage('kept', 'AWS').body).toContain('<title>Logged in · daypass</title>')
  expect(renderOutcomePage('failed', 'AWS').body).toContain('<title>Login failed · daypass</title>')
  expect(renderOutcomePage('failed', 'AWS').body).toContain('Return to the terminal for what happened.')
})

test('a refusal is plain text under the same guard', () => {
  const { headers, body } = renderPlainResponse(404, 'Not found.')
  expect(body).toBe('Not found.\n')
  expect(headers).toMatchObject({
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Security-Policy': expect.stringContaining("default-src 'none'"),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  })
})
