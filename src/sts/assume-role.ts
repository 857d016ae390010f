/** Assumes a role with another identity's keys. */
import { formatDuration, parseDuration } from '../core/duration.ts'
import { DaypassError } from '../core/errors.ts'
import type { KeysCredential } from '../core/types.ts'
import { resolveCloud } from './clouds.ts'
import type { AssumedRole, Port, Role, StsOutcome, TokenService } from './request.ts'

const HOUR = 60 * 60_000
/** Milliseconds, the minimum in both clouds. */
const SHORTEST_DURATION = 15 * 60_000

export interface RoleOptions {
  /** Parameters: `role_arn`, `session_name`, `external_id`, `source_identity`, `tags`, `duration`. */
  params: Readonly<Record<string, string>>
  /** The identity's name, which becomes part of the session name. */
  name: string
  /** The keys come from a role themselves; such a chain lasts at most one hour. */
  chained: boolean
  /** Called where the session is shorter than requested. */
  note: (text: string) => void
}

export async function assumeConfiguredRole(
  port: Port,
  at: TokenService,
  keys: KeysCredential,
  wish: RoleOptions,
): Promise<StsOutcome<AssumedRole>> {
  const { title, sts } = resolveCloud(keys)
  return sts.assumeRole(port, at, keys, buildRole(wish, title))
}

function buildRole(wish: RoleOptions, cloud: string): Role {
  const { params, name } = wish
  const { role_arn, session_name, external_id, source_identity, tags } = params
  return {
    RoleArn: role_arn!,
    RoleSessionName: session_name ?? buildSessionName(name),
    DurationSeconds: Math.round(computeRoleDuration(wish, cloud) / 1000),
    ExternalId: external_id,
    SourceIdentity: source_identity,
    ...(tags !== undefined && { tags: JSON.parse(tags) as Record<string, string> }),
  }
}

function computeRoleDuration({ params, name, chained, note }: RoleOptions, cloud: string): number {
  const { duration } = params
  if (duration === undefined) return HOUR
  const wanted = parseDuration(duration)
  if (wanted < SHORTEST_DURATION) throw createShortDurationError(name, wanted)
  if (!chained || wanted <= HOUR) return wanted
  note(`${name}: ${formatDuration(wanted)} were asked for, and ${cloud} gives a chain of roles 1h at most`)
  return HOUR
}

const createShortDurationError = (name: string, wanted: number) =>
  new DaypassError('configuration', `${name}: a role lasts 15m at least, not ${formatDuration(wanted)}`, {
    hint: 'write 15m or more for its duration',
  })

/**
 * The session name in the cloud's log: 2 to 64 of `[\w.@-]` and some more, which all identity names satisfy.
 */
const buildSessionName = (name: string) => `daypass-${name}`.slice(0, 64)
