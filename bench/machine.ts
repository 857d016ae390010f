/** Describes the machine, as far as it matters for the numbers. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { basename, join } from 'node:path'

/** Returns the kind of disk under the homes. Only Linux tells it. */
function disk(): string {
  const { dev } = statSync(tmpdir())
  const device = `/sys/dev/block/${dev >> 8}:${dev & 0xff}`
  if (!existsSync(device)) return 'not known'
  const place = realpathSync(device)
  const queue = [join(place, 'queue'), join(place, '../queue')].find(existsSync)
  if (queue === undefined) return 'not known'
  // A virtual disk does not know what kind of disk holds it.
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
