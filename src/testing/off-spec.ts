import type { OffSpec } from './options.ts'

type Json = Record<string, unknown>

const DEVIATIONS: Record<OffSpec, (json: Json) => Json> = {
  'null-expiry': (json) => ({ ...json, expires_in: null }),
  'scope-list': (json) => ({ ...json, scope: String(json.scope ?? '').split(' ') }),
  'empty-refresh-token': (json) => ({ ...json, refresh_token: '' }),
  'no-refresh-token': ({ refresh_token: _, ...json }) => json,
  'no-token-type': ({ token_type: _, ...json }) => json,
}

/** Changes a token answer as such a server would. Other answers stay as they are. */
export function applyOffSpec(json: Json, deviations: OffSpec | readonly OffSpec[] = []): Json {
  if (!('access_token' in json)) return json
  return [deviations].flat().reduce((changed, way) => DEVIATIONS[way](changed), json)
}
