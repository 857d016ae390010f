import { createHash, randomInt } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'
import type { Person, User } from './options.ts'

/** Who has keys, as GetCallerIdentity would tell. */
export interface Principal {
  kind: 'user' | 'role' | 'root'
  arn: string
  account: string
  userId: string
  /** Of a role's session: the role itself, which trust policies name. */
  roleArn?: string
}

export interface Keys {
  accessKeyId: string
  secretAccessKey: string
  /** Absent: long-term keys. */
  sessionToken?: string
  /** On the clock of lifetimes. */
  expiresAt?: number
  principal: Principal
  /** A second factor was shown. */
  mfa?: boolean
  sourceIdentity?: string
  /** Of a role that was assumed with the keys of another role. */
  chained?: boolean
}

export type TemporaryKeys = Keys & Required<Pick<Keys, 'sessionToken' | 'expiresAt'>>

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The unique id that AWS gives a user or role: the same for the same ARN. */
function uniqueId(prefix: string, arn: string): string {
  const bytes = createHash('sha256').update(arn).digest().subarray(0, 17)
  return prefix + [...bytes].map((byte) => BASE32[byte % 32]).join('')
}

function userPrincipal(account: string, name: string): Principal {
  if (name === 'root') {
    return { kind: 'root', arn: `arn:aws:iam::${account}:root`, account, userId: account }
  }
  const arn = `arn:aws:iam::${account}:user/${name}`
  return { kind: 'user', arn, account, userId: uniqueId('AIDA', arn) }
}

/** A session has the name of its role, without the role's path. */
export function rolePrincipal(roleArn: string, session: string): Principal & { roleArn: string } {
  const account = roleArn.split(':')[4] ?? ''
  const name = roleArn.split('/').at(-1) ?? ''
  const arn = `arn:aws:sts::${account}:assumed-role/${name}/${session}`
  return { kind: 'role', arn, account, userId: `${uniqueId('AROA', roleArn)}:${session}`, roleArn }
}

export function personPrincipal(account: string, person: Person): Principal {
  if (person.kind === 'root') return userPrincipal(account, 'root')
  if (person.kind === 'user') return userPrincipal(account, person.name)
  return rolePrincipal(`arn:aws:iam::${account}:role/${person.role}`, person.session)
}

const newKeyId = (): string => `ASIA${Array.from({ length: 16 }, () => BASE32[randomInt(32)]).join('')}`

export type KeyRing = ReturnType<typeof createKeyRing>

/** All keys there are, and whose they are. */
export function createKeyRing(account: string, users: readonly User[], clock: Clock, ledger: Ledger) {
  const byId = new Map<string, Keys>()
  for (const { name, accessKeyId, secretAccessKey } of users) {
    ledger.remember(secretAccessKey)
    byId.set(accessKeyId, { accessKeyId, secretAccessKey, principal: userPrincipal(account, name) })
  }

  function issue(
    principal: Principal,
    seconds: number,
    more: Pick<Keys, 'mfa' | 'sourceIdentity' | 'chained'> = {},
  ): TemporaryKeys {
    const keys: TemporaryKeys = {
      accessKeyId: newKeyId(),
      // Forty letters, with `+` and `/` among them as with AWS: they show who forgets to escape.
      secretAccessKey: ledger.secret(30, 'base64'),
      sessionToken: ledger.secret(301, 'base64'),
      expiresAt: clock.now() + seconds * 1000,
      principal,
      ...more,
    }
    byId.set(keys.accessKeyId, keys)
    ledger.keysIssued()
    return keys
  }

  /** Temporary keys end before their time. */
  function expireAll(): void {
    for (const keys of byId.values()) if (keys.expiresAt !== undefined) keys.expiresAt = clock.now()
  }

  return {
    issue,
    expireAll,
    find: (accessKeyId: string) => byId.get(accessKeyId),
    isExpired: ({ expiresAt }: Keys) => expiresAt !== undefined && clock.now() >= expiresAt,
    user: (name: string) => users.find((user) => user.name === name),
  }
}
