/** The client over the strict stand-in for Cloudinary, which shares the played clock. */
import { onTestFinished } from 'vitest'
import type { CloudinaryOptions } from '../stand-ins/cloudinary/options.ts'
import { startCloudinary } from '../stand-ins/cloudinary/server.ts'
import { type WorldOptions, world } from './client-context.ts'

export const MINUTE = 60_000

export async function cloud(options: CloudinaryOptions = {}, more: WorldOptions = {}) {
  const cloudinary = await startCloudinary(options)
  onTestFinished(() => cloudinary.close())
  const w = await world({ ...more, env: { ...cloudinary.env, ...more.env } })
  /** Time passes for Cloudinary, too. */
  const advance = (milliseconds: number) => {
    w.advance(milliseconds)
    cloudinary.setClockOffset(w.host.now() - Date.now())
  }
  const login = (more: Parameters<typeof w.daypass.login>[1] = {}) => w.daypass.login('cloudinary', more)
  const row = async (name: string) => (await w.daypass.status(name)).row
  const pinged = (token: string, name = cloudinary.cloud) =>
    fetch(`${cloudinary.apiUrl}/v1_1/${name}/ping`, { headers: { authorization: `Bearer ${token}` } })
  return { ...w, cloudinary, advance, login, row, pinged }
}
