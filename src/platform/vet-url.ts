import { isLoopbackHost } from '../core/loopback.ts'

// A URL to open often comes from a server, and on Windows even an argument list becomes one command line.
// CVE-2025-6514: a hostile `authorization_endpoint` ran code.

/** Characters that no address needs unescaped and that shells, PowerShell or Windows' parser interpret. */
const DANGEROUS = /[\u0000-\u0020\u007f-\u009f\u2028\u2029"'`\\<>‘’‚‛“”„]|\$\(/

/** Returns the address as `URL` writes it, or undefined where it must not be opened. */
export function vetUrl(text: string): string | undefined {
  if (DANGEROUS.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return undefined
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))
    return undefined
  return DANGEROUS.test(url.href) ? undefined : url.href
}
