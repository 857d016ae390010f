/** A machine of which AWS' own tools know nothing but what a test writes. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import type { Login } from './client.ts'

export interface Home {
  folder: string
  /** Adds to the configuration file. */
  configure(text: string): void
  /** Where a login of that principal is kept. */
  cacheFile(arn: string): string
  /** As `aws login` leaves it behind; `more` changes it. */
  keep(arn: string, login: Login, expiresAt: number, more?: Record<string, unknown>): void
  kept(arn: string): Record<string, unknown>
}

function environment(folder: string): Record<string, string | undefined> {
  const own = Object.keys(process.env).filter((name) => name.startsWith('AWS_'))
  return {
    ...Object.fromEntries(own.map((name) => [name, undefined])),
    HOME: folder,
    USERPROFILE: folder,
    AWS_CONFIG_FILE: join(folder, '.aws/config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, '.aws/credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}

function cached(login: Login, expiresAt: number, accountId: string) {
  const { accessToken, refreshToken, idToken, clientId, key } = login
  const expires = new Date(expiresAt).toISOString()
  return {
    accessToken: { ...accessToken, accountId, expiresAt: expires },
    tokenType: 'aws_sigv4',
    clientId,
    refreshToken,
    idToken,
    dpopKey: key.pem,
  }
}

/** Until the test is over. `env` is set beside the places of the files. */
export function awsHome(env: Record<string, string> = {}): Home {
  const folder = mkdtempSync(join(tmpdir(), 'daypass-aws-'))
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })
  for (const [name, value] of Object.entries({ ...environment(folder), ...env })) vi.stubEnv(name, value)
  const cache = join(folder, '.aws/login/cache')
  mkdirSync(cache, { recursive: true })
  for (const name of ['config', 'credentials']) writeFileSync(join(folder, '.aws', name), '')
  const cacheFile = (arn: string) => join(cache, `${createHash('sha256').update(arn).digest('hex')}.json`)
  return {
    folder,
    configure: (text) => writeFileSync(join(folder, '.aws/config'), text, { flag: 'a' }),
    cacheFile,
    keep(arn, login, expiresAt, more = {}) {
      const file = { ...cached(login, expiresAt, arn.split(':')[4] ?? ''), ...more }
      writeFileSync(cacheFile(arn), JSON.stringify(file))
    },
    kept: (arn) => JSON.parse(readFileSync(cacheFile(arn), 'utf8')),
  }
}
