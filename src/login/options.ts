import type { Secret } from '../core/secret.ts'
import type { KeysCredential, Method } from '../core/types.ts'
import type { KeysForm } from '../providers/provider.ts'

export interface LoginOptions {
  method?: Method
  /** Of a login by keys: which ones are asked for. */
  form?: KeysForm
  /** The callback's port, instead of the provider's own. */
  port?: number
  /** A command that opens the browser, instead of `$BROWSER` and the system's. */
  browser?: string
  /** Milliseconds for the whole wait. Default: 5 min. */
  timeout?: number
  /** OpenID Connect Core §3.1.2.1. */
  loginHint?: string
  prompt?: string
  /** Draw the URL as a QR code. */
  qr?: boolean
  /** The long-term keys that the identity has already: only their session is over. */
  kept?: KeysCredential
  /** A personal access token, where the caller has it already. */
  token?: Secret
  signal?: AbortSignal
}
