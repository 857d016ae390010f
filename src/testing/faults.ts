/** Creates the queue of planned faults: each request takes the first fault for its endpoint. */
export function createFaultQueue<Fault extends { times?: number }, Door>(
  isAffected: (fault: Fault, door: Door) => boolean,
) {
  const planned: { fault: Fault; left: number }[] = []

  function plan(fault: Fault): void {
    planned.push({ fault, left: fault.times ?? 1 })
  }

  function take(door: Door): Fault | undefined {
    const index = planned.findIndex(({ fault }) => isAffected(fault, door))
    const found = planned[index]
    if (found === undefined) return undefined
    found.left -= 1
    if (found.left <= 0) planned.splice(index, 1)
    return found.fault
  }

  return { plan, take }
}
