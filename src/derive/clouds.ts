import type { KeysCredential } from '../core/types.ts'
import { alibabaSts } from './alibaba-sts.ts'
import { awsSts } from './aws-sts.ts'
import type { Sts } from './sts.ts'

/** The token service that takes the keys of a cloud, and what the cloud is called. */
export const CLOUDS: Readonly<Record<KeysCredential['cloud'], { title: string; sts: Sts }>> = {
  aws: { title: 'AWS', sts: awsSts },
  alibaba: { title: 'Alibaba Cloud', sts: alibabaSts },
}
