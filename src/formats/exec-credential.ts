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
  try {
    const said: unknown = JSON.parse(info)
    return Object(said).apiVersion
  } catch {
    return undefined
  }
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
