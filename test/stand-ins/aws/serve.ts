import type { Server } from 'node:http'
import * as cloud from '../serve.ts'
import type { Ledger } from './ledger.ts'
import { type Ask, isSignInError, type Reply, refused } from './message.ts'
import type { DoorName, Fault } from './options.ts'
import { stsTrouble } from './sts.ts'
import { snakeCase } from './token.ts'

export type Serving = Pick<cloud.Serving<DoorName, Ask, Fault>, 'doors' | 'clock' | 'faults'> & {
  ledger: Ledger
}

function instead({ refuse }: Fault): Reply | undefined {
  if (refuse === undefined) return undefined
  return isSignInError(refuse) ? refused(refuse) : stsTrouble(refuse)
}

const changed = (reply: Reply, { snakeCase: snaky }: Fault): Reply =>
  snaky ? { ...reply, body: JSON.stringify(snakeCase(JSON.parse(reply.body ?? '{}'))) } : reply

/** A listener of one region. */
export function serve(serving: Serving, region: string, base: () => string): Server {
  return cloud.serve<DoorName, Ask, Fault>(
    {
      ...serving,
      refused: (door, no, ask) => serving.ledger.refused({ door, region: ask.region, ...no }),
      instead,
      changed,
    },
    base,
    (ask) => ({ ...ask, region, base: base() }),
  )
}
