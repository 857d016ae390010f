/**
 * As `URL` writes them: `127.1` and `2130706433` are 127.0.0.1 there, `[::ffff:127.0.0.1]` is `[::ffff:7f00:1]`. What is
 * said of no machine (`0.0.0.0`, `[::]`) connects to this one.
 */
const LOOPBACK =
  /^(localhost\.?|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:(7f[\da-f]{2}:[\da-f]{1,4}|0:0)\])$/

/** Returns whether a URL's `hostname` is this machine. Plain http is allowed for such hosts only. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}

/** A host that may be this machine: names below `localhost` mostly are (RFC 6761 §6.3), but some resolvers ask others. */
export const mayBeThisMachine = (hostname: string): boolean =>
  isLoopbackHost(hostname) || /\.localhost\.?$/.test(hostname)
