import type { Endpoint, Fault } from './options.ts'

const TOKEN_DOORS: readonly Endpoint[] = ['code', 'refresh', 'device-poll', 'token']

const befalls = (fault: Fault, endpoint: Endpoint): boolean =>
  fault.endpoint === undefined ||
  fault.endpoint === endpoint ||
  (fault.endpoint === 'token' && TOKEN_DOORS.includes(endpoint))

/** What is planned to go wrong: each request takes the first fault that is meant for its door. */
export function faultQueue() {
  const planned: { fault: Fault; left: number }[] = []

  function plan(fault: Fault): void {
    planned.push({ fault, left: fault.times ?? 1 })
  }

  function take(endpoint: Endpoint): Fault | undefined {
    const index = planned.findIndex(({ fault }) => befalls(fault, endpoint))
    const found = planned[index]
    if (found === undefined) return undefined
    found.left -= 1
    if (found.left <= 0) planned.splice(index, 1)
    return found.fault
  }

  return { plan, take }
}
