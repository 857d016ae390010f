import { createFaultQueue } from '../../../src/testing/faults.ts'
import type { DoorName, Fault } from './options.ts'

const WITHIN: Partial<Record<DoorName, readonly DoorName[]>> = {
  token: ['code', 'refresh', 'token'],
  sts: ['GetCallerIdentity', 'AssumeRole', 'GetSessionToken', 'sts'],
  federation: ['getSigninToken', 'console-login', 'federation'],
}

const befalls = ({ door }: Fault, name: DoorName): boolean =>
  door === undefined || door === name || (WITHIN[door]?.includes(name) ?? false)

export const createFaults = () => createFaultQueue(befalls)
