/** `npm run demo`: runs `daypass demo` against a real authorization server, `oidc-provider`. */
import { join } from 'node:path'
import { DEMO_TOKEN_LIFE, playDemo } from '../src/cli/commands/demo.ts'
import { formatErrorText } from '../src/cli/output/error.ts'
import { createPainter } from '../src/cli/output/text.ts'
import { getExitCode } from '../src/core/errors.ts'
import { createNodeHost } from '../src/platform/node-host.ts'
import { startOidcProvider } from '../test/kit/oidc-provider.ts'

const { env, stdin, stderr } = process
const paint = createPainter(stderr, env)
const cancel = new AbortController()
process.once('SIGINT', () => cancel.abort(new Error('cancelled')))

const server = await startOidcProvider({ accessTokenTtl: DEMO_TOKEN_LIFE / 1000 })
const host = createNodeHost({ env, stdin, stderr })
const program = [process.execPath, join(import.meta.dirname, '../dist/cli.cjs')]
try {
  await playDemo(
    { host, paint, program, signal: cancel.signal },
    {
      title: 'oidc-provider, a certified OpenID Connect server',
      issuer: server.issuer,
      clientId: server.clientId,
      counts: () => {
        const { refreshes, refusals, deadGrants } = server.stats()
        return { renewals: refreshes, reuses: refusals, ended: deadGrants }
      },
      close: () => server.close(),
    },
  )
} catch (error) {
  stderr.write(
    cancel.signal.aborted ? 'cancelled\n' : formatErrorText(error, false, Boolean(env.DAYPASS_DEBUG), paint),
  )
  process.exitCode = cancel.signal.aborted ? 130 : getExitCode(error)
}
