const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** A host that no other machine can answer for; the only ones for plain http. Of a `URL`'s `hostname`. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
