const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Returns whether a URL's `hostname` is this machine. Plain http is allowed for such hosts only. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
