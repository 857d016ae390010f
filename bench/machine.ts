/** Where it was measured, as far as it matters and no further. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { basename, join } from 'node:path'

/** The kind of disk that the homes lie on; Linux alone says so. */
function disk(): string {
  const { dev } = statSync(tmpdir())
  const device = `/sys/dev/block/${dev >> 8}:${dev & 0xff}`
  if (!existsSync(device)) return 'not known'
  const place = realpathSync(device)
  const queue = [join(place, 'queue'), join(place, '../queue')].find(existsSync)
  if (queue === undefined) return 'not known'
  // What a virtual disk says of itself is nothing to go by.
  if (basename(place).startsWith('vd')) return 'virtual'
  return readFileSync(join(queue, 'rotational'), 'utf8').trim() === '1' ? 'rotating' : 'solid state'
}

export function machine(): string {
  const gigabytes = Math.round(totalmem() / 1024 ** 3)
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'not known'}), ${gigabytes} GB`,
    `${type()} ${release().split('.').slice(0, 2).join('.')}`,
    `Node ${process.version}`,
    `disk: ${disk()}`,
    `load when it began: ${loadavg()[0]!.toFixed(1)}`,
  ].join('; ')
}
