import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, type TestContext, test } from 'vitest'
import {
  createDockerSetup,
  type DockerSetup,
  resolveDockerConfigPath,
  undoDockerSetup,
} from '../../../src/tools/docker/setup.ts'
import { applySetup, previewSetup, undoSetup } from '../../../src/tools/setup-plan.ts'
import { failure, folderOf } from '../../vault/support.ts'

const GHCR: DockerSetup = { identity: 'work', registries: ['ghcr.io'] }
const TWO: DockerSetup = { identity: 'lab', registries: ['registry.gitlab.com', 'registry.example.com:5000'] }

/** As docker writes it, with what a person may have in it. */
const HAND_MADE = `{
	"auths": {
		"https://index.docker.io/v1/": {
			"auth": "YWRhOmh1bnRlcjI="
		}
	},
	"HttpHeaders": { "X-Big": 12345678901234567890 },
	"credsStore": "desktop"
}`

function home(context: TestContext, text?: string) {
  const folder = folderOf(context)
  const path = join(folder, '.docker', 'config.json')
  const ledger = join(folder, 'state', 'setup.json')
  const write = (now: string) => {
    fs.mkdirSync(join(folder, '.docker'), { recursive: true })
    fs.writeFileSync(path, now)
  }
  if (text !== undefined) write(text)
  return {
    path,
    write,
    read: () => fs.readFileSync(path, 'utf8'),
    json: () => JSON.parse(fs.readFileSync(path, 'utf8')),
    set: (request: DockerSetup) => applySetup(createDockerSetup(request, path), ledger),
    preview: (request: DockerSetup) => previewSetup(createDockerSetup(request, path), ledger),
    undo: (meant = {}) => undoSetup(ledger, 'docker', meant, undoDockerSetup),
  }
}

describe('set up', () => {
  test('a configuration that was not there is 0600, and undo leaves none', async (context) => {
    const { set, undo, read, path } = home(context)
    await set(TWO)
    expect(read()).toBe(
      '{\n\t"credHelpers": {\n\t\t"registry.gitlab.com": "daypass",\n\t\t"registry.example.com:5000": "daypass"\n\t}\n}\n',
    )
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    expect(await undo()).toMatchObject([{ outcome: 'restored' }])
    expect(fs.existsSync(path)).toBe(false)
  })

  test('everything else survives, and is as it was after undo', async (context) => {
    const { set, undo, read } = home(context, HAND_MADE)
    await set(GHCR)
    expect(read()).toBe(
      HAND_MADE.replace('"desktop"', '"desktop",\n\t"credHelpers": {\n\t\t"ghcr.io": "daypass"\n\t}'),
    )
    await undo()
    expect(read()).toBe(HAND_MADE)
  })

  test('beside others, and twice is once', async (context) => {
    const { set, undo, json, read } = home(context, '{"credHelpers":{"gcr.io":"gcloud"}}')
    await set(GHCR)
    expect(json().credHelpers).toEqual({ 'gcr.io': 'gcloud', 'ghcr.io': 'daypass' })
    expect((await set(GHCR)).edits).toEqual([])
    await set(TWO)
    await undo({ identity: 'lab' })
    expect(json().credHelpers).toEqual({ 'gcr.io': 'gcloud', 'ghcr.io': 'daypass' })
    await undo()
    expect(read()).toBe('{"credHelpers":{"gcr.io":"gcloud"}}')
  })

  test('another helper is not pushed aside without being told to, and comes back', async (context) => {
    const theirs = '{ "credHelpers": { "ghcr.io": "theirs", "gcr.io": "gcloud" } }\n'
    const { set, undo, read, json, write } = home(context, theirs)
    const { hint } = await failure(() => set(GHCR), 'usage')
    expect(hint).toContain('--force')
    expect(read()).toBe(theirs)
    await set({ ...GHCR, force: true })
    expect(json().credHelpers).toEqual({ 'ghcr.io': 'daypass', 'gcr.io': 'gcloud' })
    write(read().replace('gcloud', 'other'))
    expect(await undo()).toMatchObject([{ outcome: 'removed' }])
    expect(json()).toEqual({ credHelpers: { 'ghcr.io': 'theirs', 'gcr.io': 'other' } })
  })

  test('a dry run changes nothing and shows no password', (context) => {
    const text = '{ "auths": { "ghcr.io": { "auth": "YWRhOmh1bnRlcjI=" } } }'
    const { preview, read } = home(context, text)
    const { diff, warnings } = preview(GHCR)
    expect(diff).toContain('"ghcr.io":"daypass"')
    expect(diff).not.toContain('YWRh')
    expect(warnings).toEqual([expect.stringMatching(/^there is a password for ghcr\.io in .* still/)])
    expect(read()).toBe(text)
  })

  test.for(['{', '[]', '{"credHelpers":[]}', 'null', '{"credHelpers":{},"credHelpers":{}}'])(
    'what docker cannot read, or everybody reads otherwise, is left alone: %s',
    async (text, context) => {
      const { set, read } = home(context, text)
      await failure(() => set(GHCR), 'configuration')
      expect(read()).toBe(text)
    },
  )
})

describe('undo, where others have changed it since', () => {
  test('brings back the only other helper that was there', async (context) => {
    const { set, undo, write, read } = home(context, '{"credHelpers":{"ghcr.io":"theirs"},"a":1}')
    await set({ ...GHCR, force: true })
    write(read().replace('"a":1', '"a":2'))
    await undo()
    expect(read()).toBe('{"credHelpers":{"ghcr.io":"theirs"},"a":2}')
  })

  test('takes ours away and leaves theirs', async (context) => {
    const { set, undo, write, read, json } = home(context, HAND_MADE)
    await set(GHCR)
    write(read().replace('"desktop"', '"pass"'))
    expect(await undo()).toMatchObject([{ outcome: 'removed' }])
    expect(read()).toBe(HAND_MADE.replace('"desktop"', '"pass"'))
    await set(GHCR)
    write(read().replace('"ghcr.io": "daypass"', '"ghcr.io": "daypass", "quay.io": "theirs"'))
    await undo()
    expect(json().credHelpers).toEqual({ 'quay.io': 'theirs' })
  })

  test('has nothing to do where ours are gone', async (context) => {
    const { set, undo, write, read } = home(context)
    await set(GHCR)
    write('{"credHelpers":{"ghcr.io":"theirs"}}')
    expect(await undo()).toMatchObject([{ outcome: 'gone' }])
    expect(read()).toBe('{"credHelpers":{"ghcr.io":"theirs"}}')
  })
})

test('whatever else there is survives', async (context) => {
  const { set, undo, write, read, json } = home(context, '')
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }))
  const helpers = fc.dictionary(fc.constantFrom('gcr.io', 'quay.io'), fc.constant('theirs'))
  const config = fc.record({ auths: value, credHelpers: fc.option(helpers, { nil: undefined }), more: value })
  const indent = fc.constantFrom('', '  ', '\t')
  await fc.assert(
    fc.asyncProperty(config, indent, async (said, space) => {
      const before = JSON.stringify(said, null, space)
      write(before)
      await set(GHCR)
      const { credHelpers } = said
      expect(json()).toEqual({
        ...JSON.parse(before),
        credHelpers: { ...credHelpers, 'ghcr.io': 'daypass' },
      })
      await undo()
      expect(read()).toBe(before)
    }),
  )
})

test('the configuration is where docker looks for it', () => {
  expect(resolveDockerConfigPath({ HOME: '/home/ada' }, 'linux')).toBe('/home/ada/.docker/config.json')
  expect(resolveDockerConfigPath({ HOME: '/home/ada', DOCKER_CONFIG: '/srv/docker' }, 'linux')).toBe(
    '/srv/docker/config.json',
  )
})
