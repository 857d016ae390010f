import { createHash } from 'node:crypto'
import { escapeHtml } from '../core/html.ts'
import type { LoopbackResponse } from '../core/types.ts'

// What the browser shows at the end. It shows nothing of the request, neither the code nor the server's error
// text, because that has caused many reflected script attacks (CVEs). The terminal has the details.

const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--glow:#e4ebff;--card:#fff;--line:#e3e6ec;--ink:#14181f;--soft:#5a6474;--brand:#4058d8;--good:#137a4b;--good-soft:#e1f5ea;--bad:#b3382c;--bad-soft:#fdeae7;--shade:0 1px 2px rgb(16 24 40/.05),0 16px 40px -12px rgb(16 24 40/.14)}
@media (prefers-color-scheme:dark){:root{--ground:#0d1015;--glow:#18213a;--card:#161a21;--line:#272d38;--ink:#eef1f6;--soft:#9ba6b7;--brand:#8fa2ff;--good:#5fd79b;--good-soft:#12301f;--bad:#ff9485;--bad-soft:#3a1a17;--shade:0 1px 2px rgb(0 0 0/.4),0 20px 48px -12px rgb(0 0 0/.6)}}
*{box-sizing:border-box;margin:0}
html{height:100%}
body{min-height:100%;display:grid;place-items:center;padding:24px;background:radial-gradient(60rem 36rem at 50% -10rem,var(--glow),transparent 70%) no-repeat var(--ground);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;-webkit-font-smoothing:antialiased}
main{position:relative;overflow:hidden;width:min(100%,26rem);text-align:center;background:var(--card);border:1px solid var(--line);border-radius:20px;box-shadow:var(--shade)}
section{padding:48px 36px 40px}
.mark{display:block;width:72px;height:72px;margin:0 auto 26px}
.mark circle{fill:var(--tint)}
.mark path{fill:none;stroke:var(--tone);stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round;stroke-dasharray:48;animation:draw .5s .1s ease-out backwards}
.kept{--tone:var(--good);--tint:var(--good-soft)}
.failed{--tone:var(--bad);--tint:var(--bad-soft)}
h1{font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.015em;text-wrap:balance;overflow-wrap:anywhere}
p{margin-top:10px;color:var(--soft);text-wrap:balance}
footer{position:relative;display:flex;align-items:center;justify-content:center;gap:9px;margin:0 22px;padding:18px 0 19px;border-top:2px dashed var(--line);color:var(--soft);font-size:.9375rem;font-weight:550}
footer::before,footer::after{content:"";position:absolute;top:-13px;width:24px;height:24px;background:var(--ground);border:1px solid var(--line);border-radius:50%}
footer::before{left:-35px}
footer::after{right:-35px}
footer svg{width:20px;height:20px;color:var(--brand)}
@keyframes draw{from{stroke-dashoffset:48}}
@media (max-width:30rem){body{padding:16px}section{padding:38px 22px 30px}}
@media (prefers-reduced-motion:reduce){.mark path{animation:none}}
@media (forced-colors:active){.mark path{stroke:CanvasText}}
`

/** The code is already used, but it should not stay in the address bar, the history or a screenshot. */
const SCRIPT = `history.replaceState(null,'',location.pathname)`

const TICKET =
  '<path fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" stroke-linecap="round" d="M3 8a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v2a2 2 0 0 0 0 4v2a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-2a2 2 0 0 0 0-4zM14.5 6v2M14.5 11v2M14.5 16v2"/>'

/** With an icon in the page, browsers do not request `/favicon.ico`. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" color="#4f6bed">${TICKET}</svg>`,
)}`

/** Built on demand, because most runs show no page. */
const buildContentPolicy = () =>
  [
    "default-src 'none'",
    `style-src ${hashSource(STYLE)}`,
    `script-src ${hashSource(SCRIPT)}`,
    'img-src data:',
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')

const COMMON_HEADERS = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  Connection: 'close',
} as const

const PAGE_TEXTS = {
  kept: {
    title: 'Logged in',
    heading: (service: string) => `You’re logged in to ${service}`,
    text: 'You can close this tab and return to your terminal.',
    mark: 'M21 32.8l7.6 7.6L43.4 25',
  },
  failed: {
    title: 'Login failed',
    heading: (service: string) => `Logging in to ${service} failed`,
    text: 'Return to the terminal for what happened.',
    mark: 'M24 24l16 16M40 24L24 40',
  },
} as const

export type Outcome = keyof typeof PAGE_TEXTS

/** Renders the page at the end of a login. `service` is the provider's title; it is escaped in any case. */
export function renderOutcomePage(outcome: Outcome, service: string): LoopbackResponse {
  return {
    // Always 200: browsers replace the page of an error status with their own.
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': buildContentPolicy(),
      ...COMMON_HEADERS,
    },
    body: renderHtml(outcome, escapeHtml(service)),
  }
}

/** Renders a refusal in a few fixed words. */
export function renderPlainResponse(
  status: number,
  text: string,
  extra: Record<string, string> = {},
): LoopbackResponse {
  return {
    status,
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      ...COMMON_HEADERS,
      ...extra,
    },
    body: `${text}\n`,
  }
}

function renderHtml(outcome: Outcome, service: string): string {
  const words = PAGE_TEXTS[outcome]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${words.title} · daypass</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
<script>${SCRIPT}</script>
</head>
<body>
<main class="${outcome}">
<section>
<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="32"/><path d="${words.mark}"/></svg>
<h1>${words.heading(service)}</h1>
<p>${words.text}</p>
</section>
<footer><svg viewBox="0 0 24 24" aria-hidden="true">${TICKET}</svg>daypass</footer>
</main>
</body>
</html>
`
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
