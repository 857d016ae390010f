import type { DoorName, Fault } from './options.ts'

const WITHIN: Partial<Record<DoorName, readonly DoorName[]>> = {
  token: ['code', 'refresh', 'token'],
  sts: ['GetCallerIdentity', 'AssumeRole', 'GetSessionToken', 'sts'],
  federation: ['getSigninToken', 'console-login', 'federation'],
}

const befalls = ({ door }: Fault, name: DoorName): boolean =>
  door === undefined || door === name || (WITHIN[door]?.includes(name) ?? false)

/** What is planned to go wrong: each request takes the first fault that is meant for its door. */
export function faultQueue() {
  const planned: { fault: Fault; left: number }[] = []

  function plan(fault: Fault): void {
    planned.push({ fault, left: fault.times ?? 1 })
  }

  function take(name: DoorName): Fault | undefined {
    const index = planned.findIndex(({ fault }) => befalls(fault, name))
    const found = planned[index]
    if (found === undefined) return undefined
    found.left -= 1
    if (found.left <= 0) planned.splice(index, 1)
    return found.fault
  }

  return { plan, take }
}
