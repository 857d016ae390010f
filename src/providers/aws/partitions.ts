/**
 * The partitions of AWS, each with its own hosts. A region belongs to the first partition whose prefix
 * matches. Hosts are from the endpoint rules of the service models `signin` and `sts`.
 */
export interface Partition {
  /** The second field of an ARN. */
  id: string
  /** The prefix of its regions. */
  prefix: string
  /** The domain of sign-in and console. */
  home: string
  /** The domain of its services. */
  services: string
}

const PARTITIONS: readonly Partition[] = [
  { id: 'aws-cn', prefix: 'cn-', home: 'amazonaws.cn', services: 'amazonaws.com.cn' },
  { id: 'aws-us-gov', prefix: 'us-gov-', home: 'amazonaws-us-gov.com', services: 'amazonaws.com' },
  { id: 'aws-iso', prefix: 'us-iso-', home: 'c2shome.ic.gov', services: 'c2s.ic.gov' },
  { id: 'aws-iso-b', prefix: 'us-isob-', home: 'sc2shome.sgov.gov', services: 'sc2s.sgov.gov' },
  { id: 'aws-iso-e', prefix: 'eu-isoe-', home: 'csphome.adc-e.uk', services: 'cloud.adc-e.uk' },
  { id: 'aws-iso-f', prefix: 'us-isof-', home: 'csphome.hci.ic.gov', services: 'csp.hci.ic.gov' },
  { id: 'aws-eusc', prefix: 'eusc-', home: 'amazonaws-eusc.eu', services: 'amazonaws.eu' },
  { id: 'aws', prefix: '', home: 'aws.amazon.com', services: 'amazonaws.com' },
]

export const resolvePartition = (region: string): Partition =>
  PARTITIONS.find(({ prefix }) => region.startsWith(prefix))!

/** Returns a sign-in host without its region, which is equal for all regions of a partition. */
export function removeRegion(host: string): string {
  const [, rest] = host.match(/^[a-z0-9-]+\.(signin\.[a-z0-9.-]+)$/) ?? []
  const ours = PARTITIONS.some(({ home }) => rest === `signin.${home}`)
  return ours ? rest! : host
}
