/**
 * The partitions of AWS: separate worlds, each with its own hosts. A region belongs to the first one whose prefix it
 * begins with. Hosts: the endpoint rules of the service models `signin` and `sts`.
 */
export interface Partition {
  /** As the second field of an ARN writes it. */
  id: string
  /** Its regions begin with it. */
  prefix: string
  /** Sign-in and console live below it. */
  home: string
  /** Services live below it. */
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

/** The sign-in host of any region of a partition, with the region left out. */
export function removeRegion(host: string): string {
  const [, rest] = host.match(/^[a-z0-9-]+\.(signin\.[a-z0-9.-]+)$/) ?? []
  const ours = PARTITIONS.some(({ home }) => rest === `signin.${home}`)
  return ours ? rest! : host
}
