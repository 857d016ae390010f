/** Who may import whom, and what the deciding rooms may not do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

const files = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : join(folder, entry.name),
  )

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

/** `src/oauth/wire.ts` is in the room `oauth`; `src/index.ts` is a room of its own. */
const roomOf = (path: string) => relative(SRC, path).split('/')[0]!.replace(/\.ts$/, '')

const code = files(SRC)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, name: relative(SRC, path), room: roomOf(path), text: readFileSync(path, 'utf8') }))

const IMPORT = /\b(?:import|export)(\s+type)?\s+(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g

function importsOf({ path, text }: (typeof code)[number]): Import[] {
  return [...text.matchAll(IMPORT)].map(([, type, named, late]) => ({
    from: path,
    to: named ?? late!,
    typeOnly: type !== undefined,
  }))
}

/** The text without comments and strings: what runs. Line numbers stay. */
const running = (text: string) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/(^|\s)\/\/.*$/gm, '')

const ANY = 'any'
/** `?` behind a name: types alone. */
const MAY_IMPORT: Record<string, readonly string[] | typeof ANY> = {
  core: [],
  oauth: ['core'],
  providers: ['core?'],
  trust: ['core'],
  vault: ['core', 'trust'],
  config: ['core', 'providers', 'trust'],
  audit: ['vault'],
  formats: ['core', 'providers?'],
  platform: ['core'],
  tools: ['core', 'vault'],
  refresh: ['core', 'oauth', 'vault?'],
  server: ['core', 'oauth'],
  sts: ['core', 'oauth'],
  identity: ['core', 'config', 'oauth?', 'providers?'],
  login: ['core', 'oauth', 'providers?', 'identity', 'refresh', 'sts'],
  client: ['core', 'config', 'oauth', 'providers', 'refresh', 'identity', 'login', 'sts', 'vault?'],
  testing: ['core'],
  errors: ['core'],
  index: ANY,
  aws: ['client?', 'core', 'index'],
  alibaba: ['client?', 'core', 'index'],
  cli: ANY,
}

/** They decide, and everything they touch is handed in. */
const DECIDING = ['core', 'oauth', 'providers', 'refresh', 'sts', 'identity', 'login', 'formats', 'client']

const own = code.flatMap(importsOf).filter(({ to }) => to.startsWith('.'))
const edges = own
  .map((one) => ({ ...one, a: roomOf(one.from), b: roomOf(resolve(dirname(one.from), one.to)) }))
  .filter(({ a, b }) => a !== b)

describe('the rooms', () => {
  test('are the ones that are written down here', () => {
    expect([...new Set(code.map(({ room }) => room))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('import only whom they may', () => {
    const allowed = ({ a, b, typeOnly }: (typeof edges)[number]) => {
      const may = MAY_IMPORT[a]!
      return may === ANY || may.includes(b) || (typeOnly && may.includes(`${b}?`))
    }
    const wrong = edges.filter((edge) => !allowed(edge))
    expect(wrong.map(({ from, to }) => `${relative(SRC, from)} imports ${to}`)).toEqual([])
  })

  test('are allowed no import that they do not use', () => {
    const used = new Set(edges.map(({ a, b }) => `${a} ${b}`))
    const idle = Object.entries(MAY_IMPORT).flatMap(([a, may]) =>
      may === ANY ? [] : may.filter((b) => !used.has(`${a} ${b.replace('?', '')}`)).map((b) => `${a} ← ${b}`),
    )
    expect(idle).toEqual([])
  })

  test('do not stand in a circle', () => {
    const next = new Map<string, Set<string>>()
    for (const { a, b } of edges) next.set(a, (next.get(a) ?? new Set()).add(b))
    const circles: string[] = []
    const walk = (room: string, way: readonly string[]) => {
      if (way.includes(room)) return void circles.push([...way, room].join(' → '))
      for (const after of next.get(room) ?? []) walk(after, [...way, room])
    }
    for (const room of next.keys()) walk(room, [])
    expect(circles).toEqual([])
  })

  test('do not import the command line or the tests', () => {
    expect(edges.filter(({ b }) => b === 'cli' || b === '..').map(({ from }) => from)).toEqual([])
  })
})

describe('the command line', () => {
  const COMMANDS = join(SRC, 'cli/commands')
  const commands = code.filter(({ path }) => dirname(path) === COMMANDS)

  test('is a list of verbs, one file each', () => {
    const program = code.find(({ name }) => name === 'cli/program.ts')!
    const listed = importsOf(program).map(({ to }) => resolve(dirname(program.path), to))
    expect(listed.filter((to) => dirname(to) === COMMANDS).sort()).toEqual(
      commands.map(({ path }) => path).sort(),
    )
  })

  test('has no verb that is imported by anything else', () => {
    const wrong = own.filter(
      ({ from, to }) =>
        dirname(resolve(dirname(from), to)) === COMMANDS && relative(SRC, from) !== 'cli/program.ts',
    )
    expect(wrong.map(({ from, to }) => `${relative(SRC, from)} imports ${to}`)).toEqual([])
  })

  /** Rooms whose words name a command only by `formatCommand`, or as the advice of an error. */
  const ADVISING = ['cli']

  test('writes the commands that it advises in one place', () => {
    const verbs = commands.map(({ path }) => basename(path, '.ts')).join('|')
    const byHand = new RegExp(`\\bdaypass (?:(?:${verbs})\\b|\\$\\{)`)
    const lines = code
      .filter(({ room }) => ADVISING.includes(room))
      .flatMap(({ name, text }) =>
        withoutHelp(text)
          .split('\n')
          .flatMap((line, index) => (byHand.test(line) ? [`${name}:${index + 1} ${line.trim()}`] : [])),
      )
    expect(lines).toEqual([])
  })
})

describe('docs/architecture.md', () => {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const quoted = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!)

  test('has the table of imports that is enforced here', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \|(.*)\|(.*)\|$/gm)].map(([, room, may = '', types = '']) => {
      const rooms = [...quoted(may), ...quoted(types).map((name) => `${name}?`)]
      return [room, may.trim() === 'any room' ? ANY : rooms.sort()]
    })
    const enforced = Object.entries(MAY_IMPORT).map(([room, may]) => [
      room,
      may === ANY ? ANY : [...may].sort(),
    ])
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(enforced))
  })

  const walks = page
    .split(/^### /m)
    .slice(1)
    .map((walk) => [walk.split('\n')[0]!, walk.split(/^## /m)[0]!] as const)

  test('walks through four verbs', () => {
    const verbs = ['login', 'token', 'logout', 'setup']
    expect(walks.map(([title]) => title)).toEqual(verbs.map((verb) => `\`daypass ${verb}\``))
  })

  test.each(walks)('walks through %s in at most ten steps, each at a file', (_, walk) => {
    const steps = walk.split('\n').filter((line) => /^\d+\. /.test(line))
    expect(steps.length).toBeGreaterThan(3)
    expect(steps.length).toBeLessThanOrEqual(10)
    expect(steps.filter((step) => !/^\d+\. `src\/[\w/.-]+\.ts`/.test(step))).toEqual([])
  })

  test('names only files that exist', () => {
    const paths = quoted(page).filter(
      (name) => /^[\w.-]+(\/[\w.-]+)+$/.test(name) && !name.startsWith('daypass/'),
    )
    const gone = paths.filter(
      (path) => ![path, `src/${path}`, `src/${path}.ts`].some((each) => existsSync(join(ROOT, each))),
    )
    expect(gone).toEqual([])
  })
})

/** The text without comments, and without help, which is a text of several lines. Line numbers stay. */
const withoutHelp = (text: string) =>
  text
    .replace(/\/\*[\s\S]*?\*\/|`\n(?:\\.|[^`\\])*`/g, (gone) => gone.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '')

describe('the deciding rooms', () => {
  const deciding = code.filter(({ room }) => DECIDING.includes(room))

  test('import of Node only crypto and util', () => {
    const node = deciding.flatMap(importsOf).filter(({ to }) => to.startsWith('node:'))
    const wrong = node.filter(({ to }) => to !== 'node:crypto' && to !== 'node:util')
    expect(wrong.map(({ from, to }) => `${relative(SRC, from)} imports ${to}`)).toEqual([])
  })

  test.each([
    ['ask the process', /\bprocess\./],
    ['look at the clock', /\bDate\.now\b|\bnew Date\(\)|\bperformance\./],
    ['use the global fetch', /(?<![.\w])fetch\((?!identity\?)/],
    ['print', /\bconsole\.\w+\(/],
    ['set timers', /\bsetTimeout\(|\bsetInterval\(/],
  ])('do not %s', (_, pattern) => {
    const lines = deciding.flatMap(({ name, text }) =>
      running(text)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1} ${line.trim()}`] : [])),
    )
    expect(lines).toEqual([])
  })
})

test('a secret is revealed only where it is sent, sealed or handed out', () => {
  const reveals = code.filter(({ text }) => /\.reveal\(\)/.test(running(text))).map(({ name }) => name)
  expect(reveals.sort()).toEqual([
    'alibaba.ts',
    'aws.ts',
    'formats/console-url.ts',
    'formats/container-credentials.ts',
    'formats/credential-process.ts',
    'formats/docker-credential.ts',
    'formats/env.ts',
    'formats/exec-credential.ts',
    'formats/git-credential.ts',
    'formats/token.ts',
    'formats/variables.ts',
    'oauth/bearer.ts',
    'oauth/dpop.ts',
    'oauth/jwt.ts',
    'oauth/ping.ts',
    'oauth/revoke.ts',
    'oauth/server.ts',
    'oauth/token.ts',
    'oauth/wire-format.ts',
    'sts/aws.ts',
    'sts/sign-acs3.ts',
    'tools/aws/login-session.ts',
    'vault/external-store.ts',
    'vault/seal.ts',
  ])
})

/** Rooms and files that still write commands by hand. */
const UNCONVERTED = ['cli/']

/** A verb has a file of its own, or one of these names. */
const VERBS = [
  ...readdirSync(join(SRC, 'cli', 'commands')).map((name) => name.replace(/\.ts$/, '')),
  ...['remove', 'provider', 'completion', 'help'],
]

/** String and template literals; `…` for each expression in a template. Comments are none. */
function literalsOf({ name, text }: (typeof code)[number]): { line: number; text: string }[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
  const found: { line: number; text: string }[] = []
  const visit = (node: ts.Node) => {
    const literal = ts.isStringLiteralLike(node)
      ? node.text
      : ts.isTemplateExpression(node)
        ? [node.head, ...node.templateSpans.map((span) => span.literal)].map((part) => part.text).join('…')
        : undefined
    const { line } = source.getLineAndCharacterOfPosition(node.getStart())
    if (literal !== undefined) found.push({ line: line + 1, text: literal })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

test('a command to type is data', () => {
  const command = new RegExp(String.raw`\bdaypass (?:--?\w|…|(?:${VERBS.join('|')})\b)`)
  const rooms = code.filter(({ name }) => UNCONVERTED.every((start) => !name.startsWith(start)))
  const spelled = rooms.flatMap((file) =>
    literalsOf(file)
      .filter(({ text }) => command.test(text))
      .map(({ line, text }) => `${file.name}:${line} ${text}`),
  )
  expect(spelled).toEqual([])
})

test('files are named for what they do, and export by name', () => {
  const vague = code.filter(({ name }) =>
    /util|helper|manager|service|common|shared|handler|impl\b/i.test(name),
  )
  expect(vague.map(({ name }) => name)).toEqual([])
  expect(code.filter(({ text }) => /\bexport default\b/.test(running(text))).map(({ name }) => name)).toEqual(
    [],
  )
})

test('classes are Secret and DaypassError, and nothing else', () => {
  const classes = code.flatMap(({ text }) =>
    [...running(text).matchAll(/\bclass (\w+)/g)].map(([, name]) => name),
  )
  expect(classes.sort()).toEqual(['DaypassError', 'Secret'])
})

test('the project speaks of itself alone', () => {
  const folders = ['src', 'test', 'docs', 'scripts', 'bench', 'decisions', 'examples']
  const here = readdirSync(ROOT)
  const all = [
    ...folders.filter((folder) => here.includes(folder)).flatMap((folder) => files(join(ROOT, folder))),
    ...here.filter((name) => name.endsWith('.md')).map((name) => join(ROOT, name)),
  ].filter((path) => /\.(ts|mjs|md|json|txt)$/.test(path) && path !== import.meta.filename)
  const FOREIGN =
    /contract\.md|\bcontract,? (part|section)|\bthe contract's|\bseeds? \d{3}|\bseeds\/|\/work\/shared|\bfacts\/\w+\.md/i
  const said = all.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        FOREIGN.test(line) ? [`${relative(ROOT, path)}:${index + 1} ${line.trim()}`] : [],
      ),
  )
  expect(said).toEqual([])
})
