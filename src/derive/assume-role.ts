/** A role taken on with another identity's keys. */
import { formatDuration, parseDuration } from '../core/duration.ts'
import type { Host, KeysCredential } from '../core/types.ts'
import { type AssumedRole, assumeRole, type Role, type StsOutcome, type TokenService } from './aws-sts.ts'

const HOUR = 60 * 60_000

export interface RoleWish {
  /** Parameters of the identity: `role_arn`, `session_name`, `external_id`, `source_identity`, `tags`, `duration`. */
  params: Readonly<Record<string, string>>
  /** The identity's name, which the session is named for. */
  name: string
  /** The keys are a role's own: AWS gives such a chain an hour at most. */
  chained: boolean
  /** Is told where it is given less than was asked for. */
  note: (text: string) => void
}

export async function takeRole(
  host: Pick<Host, 'fetch' | 'now'>,
  at: TokenService,
  keys: KeysCredential,
  wish: RoleWish,
): Promise<StsOutcome<AssumedRole>> {
  return assumeRole(host, at, keys, roleOf(wish))
}

function roleOf({ params, name, chained, note }: RoleWish): Role {
  const { role_arn, session_name, external_id, source_identity, tags, duration } = params
  const wanted = duration === undefined ? HOUR : parseDuration(duration)
  const capped = chained && wanted > HOUR
  if (capped)
    note(`${name}: ${formatDuration(wanted)} were asked for, and AWS gives a chain of roles 1h at most`)
  return {
    RoleArn: role_arn!,
    RoleSessionName: session_name ?? sessionName(name),
    DurationSeconds: Math.round((capped ? HOUR : wanted) / 1000),
    ExternalId: external_id,
    SourceIdentity: source_identity,
    ...(tags !== undefined && { tags: JSON.parse(tags) as Record<string, string> }),
  }
}

/** What CloudTrail shows: 2 to 64 of `[\w+=,.@-]`, which the names of identities are made of. */
const sessionName = (name: string) => `daypass-${name}`.slice(0, 64)
