import { DaypassError } from '../core/errors.ts'
import type { KeysCredential } from '../core/types.ts'
import { alibabaSts } from './alibaba.ts'
import { awsSts } from './aws.ts'
import type { Sts } from './request.ts'

/** A cloud's title and its token service. */
interface Cloud {
  title: string
  sts: Sts
}

const CLOUDS: Readonly<Partial<Record<KeysCredential['cloud'], Cloud>>> = {
  aws: { title: 'AWS', sts: awsSts },
  alibaba: { title: 'Alibaba Cloud', sts: alibabaSts },
}

/** Returns the cloud. Throws `configuration` for keys without a token service. */
export function resolveCloud({ cloud }: Pick<KeysCredential, 'cloud'>): Cloud {
  const found = CLOUDS[cloud]
  if (found) return found
  throw new DaypassError('configuration', `nothing is made from keys of ${cloud}: they have no token service`)
}
