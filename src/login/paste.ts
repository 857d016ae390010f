import type { Verdict } from '../oauth/authorize.ts'
import { findRepeatedParameter } from './loopback.ts'

// A person copies what the browser shows: the whole address, a part of it, a code, or a blob. It is a secret
// until it is used, so no message shows any of it.

/** The parameters of a callback, for the same check as those of the loopback. */
export type PasteResult = { params: URLSearchParams; stateGiven: boolean } | { problem: string }

const MAX_PASTE_LENGTH = 16 * 1024

/** Checks whether the parameters answer this login. */
export type CheckAnswer = (parameters: URLSearchParams) => Verdict

/** Checks a pasted text in the same way as a callback. */
export function judgePaste(text: string, check: CheckAnswer): Verdict {
  const parsed = parsePaste(text)
  return 'problem' in parsed ? { ignored: parsed.problem } : check(parsed.params)
}

/** Parses a callback URL, query, `code#state`, code, or base64 of `state=…&code=…`. Empty text throws. */
export function parsePaste(text: string): PasteResult {
  const clean = stripPaste(text.slice(0, 4 * MAX_PASTE_LENGTH))
  if (clean === '') return { problem: 'nothing was pasted' }
  if (clean.length > MAX_PASTE_LENGTH) return { problem: 'the pasted text is too long to be a code' }
  const query = findQuery(clean) ?? decodeBlob(clean)
  if (query !== undefined) return checkParameters(new URLSearchParams(query))
  return parseCode(clean)
}

/**
 * Removes all white space: no format contains any, and terminals and mail programs wrap lines. Removes quotes
 * at both ends; the lookbehind avoids quadratic time for a long row of quotes.
 */
function stripPaste(text: string): string {
  return text
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]+/g, '')
    .replace(/^["'`<([{“”„‘’‚«»‹›]+|(?<!["'`>)\]}“”‘’«»‹›])["'`>)\]}“”‘’«»‹›]+$/g, '')
}

const CALLBACK_PARAMETER = /(^|&)(code|error|state|response_type)=/

/** Returns what follows `?` (in an address also `#`), or the whole text where it is already a query. */
function findQuery(text: string): string | undefined {
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  const [beforeHash = '', ...afterHash] = text.split('#')
  const mark = beforeHash.indexOf('?')
  const candidates = [beforeHash.slice(mark + 1), ...(isAddress || mark !== -1 ? [afterHash.join('#')] : [])]
  // An address without these parameters has no code, and is never a code itself.
  return candidates.find((candidate) => CALLBACK_PARAMETER.test(candidate)) ?? (isAddress ? '' : undefined)
}

/** Decodes AWS's format: base64 of `state=…&code=…`, which is not form-encoded, so `+` is a plus sign. */
function decodeBlob(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(text)) return undefined
  const decoded = new TextDecoder().decode(decodeBase64(text))
  const whole = /^[\x20-\x7e]+$/.test(decoded) && /(^|&)state=/.test(decoded) && /(^|&)code=/.test(decoded)
  return whole ? decoded.replaceAll('+', '%2B') : undefined
}

function decodeBase64(base64: string): Uint8Array {
  const digits = base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  // A single last digit encodes no byte, and `atob` refuses it.
  const usable = digits.length % 4 === 1 ? digits.slice(0, -1) : digits
  return Uint8Array.from(atob(usable), (character) => character.charCodeAt(0))
}

function parseCode(text: string): PasteResult {
  const [code = '', state, ...more] = text.split('#')
  // RFC 6749 appendix A.11: a code consists of VSCHAR.
  if (code === '' || more.length > 0 || !/^[\x21-\x7e]+$/.test(text)) return { problem: NO_CODE }
  return checkParameters(new URLSearchParams(state ? { code, state } : { code }))
}

const NO_CODE = 'the pasted text holds no code'

function checkParameters(params: URLSearchParams): PasteResult {
  const repeated = findRepeatedParameter(params)
  if (repeated !== undefined) return { problem: `the pasted text holds ${repeated} more than once` }
  if (params.get('code') || params.get('error')) return { params, stateGiven: Boolean(params.get('state')) }
  if (params.has('code_challenge') || params.has('response_type')) {
    return { problem: 'that is the address to open; paste the one that the browser ended on' }
  }
  return { problem: NO_CODE }
}
