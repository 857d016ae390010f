/** Writes the protocol between kubectl and its exec plugins. */

import { formatTime } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import { formatJson } from '../core/json.ts'
import type { Secret } from '../core/secret.ts'
import type { Time } from '../core/types.ts'

const GROUP = 'client.authentication.k8s.io'
/** The first one is written into configurations. */
export const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`] as const

type Version = (typeof VERSIONS)[number]

/**
 * Returns the version that kubectl asks for in `KUBERNETES_EXEC_INFO`; without it a person asks.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function chooseApiVersion(info: string | undefined): Version {
  if (!info) return VERSIONS[0]
  const version = parseApiVersion(info)
  const known = VERSIONS.find((each) => each === version)
  if (known) return known
  throw new DaypassError(
    'usage',
    'kubectl asks in a version that is none of v1 and v1beta1 of client.authentication.k8s.io',
    {
      hint: (command) =>
        `write apiVersion: ${VERSIONS[0]} into the kubeconfig: ${command({ verb: 'setup', args: ['kubectl'] })}`,
    },
  )
}

function parseApiVersion(info: string): unknown {
  return Object(parseInfo(info)).apiVersion
}

function parseInfo(info: string | undefined): unknown {
  try {
    return JSON.parse(info ?? '')
  } catch {
    return undefined
  }
}

/**
 * The cluster that the token is for, where kubectl was told to say so (`provideClusterInfo`). An address without a scheme
 * is plain http, unless TLS is spoken of.
 */
export function parseClusterUrl(info: string | undefined): URL | undefined {
  const cluster = Object(Object(Object(parseInfo(info)).spec).cluster) as Record<string, unknown>
  const { server } = cluster
  if (typeof server !== 'string' || server === '') return undefined
  const isTls = ['certificate-authority-data', 'insecure-skip-tls-verify', 'tls-server-name'].some(
    (name) => cluster[name],
  )
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `${isTls ? 'https' : 'http'}://${server}`
  if (URL.canParse(whole)) return new URL(whole)
  throw new DaypassError('refused', 'kubectl names a cluster whose address is not a URL')
}

/** Formats one line. `expiresAt` is by this machine's clock, which kubectl compares it with. */
export function formatExecCredential(
  apiVersion: Version,
  { token, expiresAt }: { token: Secret; expiresAt?: Time },
): string {
  const expirationTimestamp = expiresAt === undefined ? undefined : formatTime(expiresAt)
  const status = { token: token.reveal(), ...(expirationTimestamp && { expirationTimestamp }) }
  return formatJson({ apiVersion, kind: 'ExecCredential', status })
}
