import type { Secret } from '../core/secret.ts'
import type { KeysCredential, Method } from '../core/types.ts'
import type { KeysForm } from '../providers/provider.ts'

export interface LoginOptions {
  method?: Method
  /** For a login with keys: which kind of keys to ask for. */
  form?: KeysForm
  /** The port of the callback. Default: the provider's. */
  port?: number
  /** The command that opens the browser. Default: `$BROWSER`, then the system's. */
  browser?: string
  /** Milliseconds for the whole login. Default: 5 min. */
  timeout?: number
  /** `login_hint` and `prompt` of OpenID Connect Core §3.1.2.1. */
  loginHint?: string
  prompt?: string
  /** Print the URL as a QR code as well. */
  qr?: boolean
  /** Stored long-term keys of the identity, when only their session has expired. */
  kept?: KeysCredential
  /** A personal access token, where the caller already has it. */
  token?: Secret
  signal?: AbortSignal
}
