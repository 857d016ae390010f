import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compileConfig, readCompiled, writeCompiled } from '../../src/config/compiled.ts'
import { loadCompiled, loadConfig, readConfigFile } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { EXAMPLE } from './example.ts'

let folder: string
let file: string
let copy: string
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'daypass-config-'))
  file = join(folder, 'config.yaml')
  copy = join(folder, 'cache', 'config.json')
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

/** A file as it is some time after it was saved. */
function save(text: string, at = new Date(Date.now() - 60_000)): void {
  fs.writeFileSync(file, text)
  fs.utimesSync(file, at, at)
}

describe('the copy', () => {
  test('holds what the warm path needs', () => {
    save(EXAMPLE)
    const compiled = loadCompiled(file, copy)
    expect(readCompiled(file, copy)).toEqual(compiled)
    expect(compiled).toMatchObject({
      v: expect.any(Number),
      default: 'my-user',
      keyring: 'auto',
      identities: {
        'my-user': {
          provider: 'aws',
          kind: 'aws/user',
          params: {
            region: 'us-east-1',
            duration: '12h',
            principal_arn: 'arn:aws:iam::123456789012:user/me',
          },
          omittedSecrets: ['access_key_id', 'secret_access_key'],
          webflowEnabled: true,
        },
        'prod-admin': { via: 'my-user', params: { role_arn: 'arn:aws:iam::123456789012:role/AdminRole' } },
        shop: { params: { api_url: 'https://api.example.com/api/v1', tenant: 'acme', client_id: '0b5c…' } },
      },
      providers: {
        'acme-id': {
          params: { issuer: 'https://id.acme.com', scopes: 'openid offline_access', env: 'ACME_TOKEN' },
          hosts: ['api.acme.com'],
          redirect: { host: '127.0.0.1', ports: [8765, 8766], path: '/callback' },
        },
      },
    })
    expect(compiled.identities.toString).toBeUndefined()
    expect(readCompiled(file, copy)!.identities.toString).toBeUndefined()
  })

  test('holds no secret and nothing that was read from the environment', () => {
    process.env.PLANTED_REGION = 'PLANTED-env'
    save(`auth:
  identities:
    a:
      kind: aws/user
      region: !env PLANTED_REGION
      credentials: {access_key_id: PLANTED1, secret_access_key: PLANTED2, security_token: PLANTED3}
    b: {kind: oidc/user, issuer: "https://x.y", client_secret: PLANTED4}
  providers:
    p: {issuer: "https://x.y", client_secret: PLANTED5}
`)
    loadCompiled(file, copy)
    const text = fs.readFileSync(copy, 'utf8')
    expect(text).not.toMatch(/PLANTED[1-5]|PLANTED-env/)
    const { identities, providers } = readCompiled(file, copy)!
    expect(identities.a).toMatchObject({
      env: { region: 'PLANTED_REGION' },
      omittedSecrets: ['access_key_id', 'secret_access_key', 'security_token'],
    })
    expect(identities.b!.omittedSecrets).toEqual(['client_secret'])
    expect(providers.p!.omittedSecrets).toEqual(['client_secret'])
  })

  test('is 0600 in a folder of 0700, and no temporary file stays', () => {
    save(EXAMPLE)
    loadCompiled(file, copy)
    expect(fs.statSync(copy).mode & 0o777).toBe(0o600)
    expect(fs.statSync(join(folder, 'cache')).mode & 0o777).toBe(0o700)
    expect(fs.readdirSync(join(folder, 'cache'))).toEqual(['config.json'])
  })

  const outdated: Record<string, () => void> = {
    'a new time': () => fs.utimesSync(file, new Date(), new Date(Date.now() - 1000)),
    'another size, the time put back': () => {
      const { mtime } = fs.statSync(file)
      fs.appendFileSync(file, '#\n')
      fs.utimesSync(file, mtime, mtime)
    },
    'the same size, the time put back': () => {
      const { mtime } = fs.statSync(file)
      fs.writeFileSync(file, EXAMPLE.replace('acme', 'emca'))
      fs.utimesSync(file, mtime, mtime)
    },
    'another version of the copy': () =>
      fs.writeFileSync(copy, fs.readFileSync(copy, 'utf8').replace(/"v":\d+/, '"v":1')),
    'another size alone': () =>
      fs.writeFileSync(copy, fs.readFileSync(copy, 'utf8').replace('"size":', '"size":1')),
    'a damaged copy': () => fs.truncateSync(copy, 40),
    'a copy others may write': () => fs.chmodSync(copy, 0o620),
    'a link in its place': () => {
      fs.renameSync(copy, `${copy}.there`)
      fs.symlinkSync(`${copy}.there`, copy)
    },
  }
  test.each(Object.entries(outdated))('is not used after %s', (_what, change) => {
    save(EXAMPLE)
    loadCompiled(file, copy)
    expect(readCompiled(file, copy)).toBeDefined()
    change()
    expect(readCompiled(file, copy)).toBeUndefined()
    expect(loadCompiled(file, copy).default).toBe('my-user')
  })

  test.runIf(process.getuid?.() === 0)('is not used when it is of another user', () => {
    save(EXAMPLE)
    loadCompiled(file, copy)
    fs.chownSync(copy, 12345, 12345)
    expect(readCompiled(file, copy)).toBeUndefined()
  })

  test('is not written of a file that may change within the same tick', () => {
    save(EXAMPLE, new Date(Date.now() + 5))
    loadCompiled(file, copy)
    expect(fs.existsSync(copy)).toBe(false)
  })

  test('does no harm where it cannot be written', () => {
    save(EXAMPLE)
    fs.writeFileSync(join(folder, 'cache'), 'a file where the folder should be')
    expect(loadCompiled(file, copy).default).toBe('my-user')
    expect(writeCompiled(copy, loadCompiled(file, copy))).toBe(false)
  })

  test('of no file is empty, whatever lies there', () => {
    save('default: work\n')
    loadCompiled(file, copy)
    fs.rmSync(file)
    expect(readCompiled(file, copy)).toEqual(compileConfig({}))
    expect(loadCompiled(file, join(folder, 'other')).identities).toEqual({})
  })

  test('the flagged identity is the default where none is named; system is keychain', () => {
    const text = 'auth: {identities: {a: {kind: aws/user, default: true}}, keyring: {type: system}}'
    expect(compileConfig(parseConfig(text, file))).toMatchObject({ default: 'a', keyring: 'keychain' })
    expect(
      compileConfig(parseConfig(`${text}\ndefault: b`.replace('auth: {', 'auth:\n  {'), file)).default,
    ).toBe('b')
  })
})

describe('the file', () => {
  test('that is missing is an empty configuration', () => {
    expect(readConfigFile(file)).toBeUndefined()
    expect(loadConfig(file)).toEqual({})
  })

  const unfit: Record<string, [() => void, string]> = {
    'a folder': [() => fs.mkdirSync(file), 'config.yaml is not a regular file'],
    'too large': [
      () => fs.writeFileSync(file, '#'.repeat(1024 * 1024 + 1)),
      'config.yaml is larger than 1 MiB',
    ],
    'not UTF-8': [
      () => fs.writeFileSync(file, Buffer.from([0xff, 0xfe, 0x41])),
      'config.yaml cannot be read',
    ],
    'below a file': [() => (file = join(makeFile(), 'config.yaml')), 'config.yaml cannot be read (ENOTDIR)'],
  }
  test.each(Object.entries(unfit))('that is %s is refused', (_what, [make, message]) => {
    make()
    const expected = expect.objectContaining({
      code: 'configuration',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    })
    expect(() => loadConfig(file)).toThrow(expected)
    expect(() => loadCompiled(file, copy)).toThrow(expected)
  })
})

function makeFile(): string {
  const path = join(folder, 'plain')
  fs.writeFileSync(path, '')
  return path
}
