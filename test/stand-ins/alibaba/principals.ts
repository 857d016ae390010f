import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Ledger } from './ledger.ts'
import type { Person, User } from './options.ts'

/** Who has keys, as GetCallerIdentity tells. */
export interface Principal {
  type: 'Account' | 'RAMUser' | 'AssumedRoleUser'
  arn: string
  account: string
  /** Of a role's session: the role itself, which trust policies name. */
  roleArn?: string
}

export interface Keys {
  accessKeyId: string
  accessKeySecret: string
  /** Absent: long-term keys. */
  securityToken?: string
  /** On the clock of lifetimes. */
  expiresAt?: number
  principal: Principal
}

export type TemporaryKeys = Keys & Required<Pick<Keys, 'securityToken' | 'expiresAt'>>

const userPrincipal = (account: string, name: string): Principal =>
  name === 'root'
    ? { type: 'Account', arn: `acs:ram::${account}:root`, account }
    : { type: 'RAMUser', arn: `acs:ram::${account}:user/${name}`, account }

export function rolePrincipal(roleArn: string, session: string): Principal & { roleArn: string } {
  const account = roleArn.split(':')[3] ?? ''
  const name = roleArn.split('/').at(-1) ?? ''
  return {
    type: 'AssumedRoleUser',
    arn: `acs:ram::${account}:assumed-role/${name}/${session}`,
    account,
    roleArn,
  }
}

export function personPrincipal(account: string, person: Person): Principal {
  if (person.kind === 'root') return userPrincipal(account, 'root')
  if (person.kind === 'user') return userPrincipal(account, person.name)
  return rolePrincipal(`acs:ram::${account}:role/${person.role}`, person.session)
}

/** The number that stands for a principal: the same for the same ARN. */
export const numberOf = (arn: string): string =>
  String(createHash('sha256').update(arn).digest().readBigUInt64BE() % 10n ** 18n).padStart(18, '2')

export type KeyRing = ReturnType<typeof createKeyRing>

/** All keys there are, and whose they are. */
export function createKeyRing(account: string, users: readonly User[], clock: Clock, ledger: Ledger) {
  const byId = new Map<string, Keys>()
  for (const { name, accessKeyId, accessKeySecret } of users) {
    ledger.remember(accessKeySecret)
    byId.set(accessKeyId, { accessKeyId, accessKeySecret, principal: userPrincipal(account, name) })
  }
  return {
    issue(principal: Principal, seconds: number): TemporaryKeys {
      const keys: TemporaryKeys = {
        accessKeyId: `STS.${ledger.secret(18)}`,
        accessKeySecret: ledger.secret(33),
        securityToken: `CAIS${ledger.secret(400)}`,
        expiresAt: clock.now() + seconds * 1000,
        principal,
      }
      byId.set(keys.accessKeyId, keys)
      ledger.keysIssued()
      return keys
    },
    /** Temporary keys end before their time. */
    expireAll() {
      for (const keys of byId.values()) if (keys.expiresAt !== undefined) keys.expiresAt = clock.now()
    },
    /** Long-term keys that nobody takes any more. */
    disable: (accessKeyId: string) => void byId.delete(accessKeyId),
    find: (accessKeyId: string) => byId.get(accessKeyId),
    isExpired: ({ expiresAt }: Keys) => expiresAt !== undefined && clock.now() >= expiresAt,
  }
}
