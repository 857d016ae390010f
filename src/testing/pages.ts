import { escapeHtml } from '../core/html.ts'
import type { Reply } from './message.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}
input,button{font:inherit;padding:.5rem .8rem;margin:.3rem .3rem .3rem 0}code{word-break:break-all}
@media(prefers-color-scheme:dark){body{background:#16181d;color:#e8e8ea}}`

export function renderPage(title: string, body: string, status = 200): Reply {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${body}</html>`
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    body: html,
  }
}

/** Renders one page that asks for the user and the consent. */
export function renderConsentPage(details: {
  action: string
  client: string
  scope: string
  login: string
  hidden: Record<string, string>
}): Reply {
  const hidden = Object.entries(details.hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  return renderPage(
    'Test sign-in',
    `<p><b>${escapeHtml(details.client)}</b> asks for <code>${escapeHtml(details.scope || 'nothing in particular')}</code></p>
<form method="post" action="${escapeHtml(details.action)}">${hidden.join('')}
<p><input type="text" name="login" aria-label="login" value="${escapeHtml(details.login)}"></p>
<button type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny">Deny</button></form>`,
  )
}
