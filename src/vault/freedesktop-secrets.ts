/**
 * The Secret Service of Linux desktops (freedesktop.org, Secret Service API 0.2), over the socket of the
 * session bus. It uses the items of `@napi-rs/keyring`, with exactly the attributes `service` and `username`,
 * because that library always fails where two items match.
 */
import { type Bus, findBusSockets, openBus, type Value, type Variant } from './dbus.ts'

export interface SecretServiceOptions {
  service: string
  account: string
  env: Readonly<Record<string, string | undefined>>
  /** Its abort ends every wait. */
  signal: AbortSignal
  /** Called when the service must ask the person. */
  onPrompt(): void
}

const NAME = 'org.freedesktop.secrets'
const ROOT = '/org/freedesktop/secrets'
const INTERFACE = 'org.freedesktop.Secret'
/** The path that D-Bus sends for no object: no prompt is needed, or no collection exists. */
const NONE = '/'

/** Reads the secret. Returns undefined where there is no such item. */
export async function readSecret(options: SecretServiceOptions): Promise<string | undefined> {
  return withSession(options, async (session) => {
    const item = await findItem(session, options)
    if (item === undefined) return undefined
    try {
      const [secret] = await session.ask(item, 'Item', 'GetSecret', 'o', [session.path])
      const [, , value] = secret as [string, Buffer, Buffer]
      return value.toString('utf8')
    } catch (error) {
      if (/Unknown(Method|Object)/.test(String(error))) return undefined // deleted meanwhile
      throw error
    }
  })
}

/** Writes the secret. An existing item gets the new text, because KeePassXC asks before it replaces one. */
export async function writeSecret(options: SecretServiceOptions, text: string): Promise<void> {
  await withSession(options, async (session) => {
    const secret: Value = [session.path, Buffer.alloc(0), Buffer.from(text), 'text/plain']
    const item = await findItem(session, options)
    if (item !== undefined) {
      await session.ask(item, 'Item', 'SetSecret', '(oayays)', [secret])
      return
    }
    const { service, account } = options
    const properties: Value = [
      [`${INTERFACE}.Item.Label`, { signature: 's', value: `keyring:${account}@${service}` }],
      [`${INTERFACE}.Item.Attributes`, { signature: 'a{ss}', value: attributesOf(options) }],
    ]
    const collection = await findCollection(session)
    const [, prompt] = await session.ask(collection, 'Collection', 'CreateItem', 'a{sv}(oayays)b', [
      properties,
      secret,
      true,
    ])
    await session.answerPrompt(prompt as string)
  })
}

interface Session {
  path: string
  ask(
    path: string,
    of: string,
    member: string,
    signature: string,
    body: readonly Value[],
  ): Promise<readonly Value[]>
  getProperty(path: string, of: string, name: string): Promise<Value>
  /** Waits for the person and resolves with the prompt's result. Throws where it was dismissed. */
  answerPrompt(prompt: string): Promise<Value | undefined>
}

async function withSession<T>(
  options: SecretServiceOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const bus = await openBus(findBusSockets(options.env), options.signal)
  try {
    const ask: Session['ask'] = (path, of, member, signature, body) =>
      bus.call({ destination: NAME, path, interface: `${INTERFACE}.${of}`, member, signature, body })
    // Not encrypted: a program that can read this socket can also ask the service.
    const opened = await ask(ROOT, 'Service', 'OpenSession', 'sv', ['plain', { signature: 's', value: '' }])
    return await work({
      path: opened[1] as string,
      ask,
      getProperty: async (path, of, name) => {
        const properties = { interface: 'org.freedesktop.DBus.Properties', member: 'Get' }
        const body = [`${INTERFACE}.${of}`, name]
        const [found] = await bus.call({ destination: NAME, path, ...properties, signature: 'ss', body })
        return (found as Variant).value
      },
      answerPrompt: (prompt) => answerPrompt(bus, prompt, options),
    })
  } finally {
    // Closed and not dismissed, because Prompt.Dismiss crashes gnome-keyring 42 with an assertion.
    bus.close()
  }
}

async function answerPrompt(
  bus: Bus,
  prompt: string,
  options: SecretServiceOptions,
): Promise<Value | undefined> {
  if (prompt === NONE) return undefined
  options.onPrompt()
  const completed = new Promise<readonly Value[]>((resolve) => {
    bus.onSignal(({ path, member, body }) => {
      if (path === prompt && member === 'Completed') resolve(body)
    })
  })
  const rule = `type='signal',interface='${INTERFACE}.Prompt',path='${prompt}'`
  const dbus = {
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
  }
  await bus.call({ ...dbus, member: 'AddMatch', signature: 's', body: [rule] })
  await bus.call({
    destination: NAME,
    path: prompt,
    interface: `${INTERFACE}.Prompt`,
    member: 'Prompt',
    signature: 's',
    body: [''],
  })
  const aborted = new Promise<never>((_, reject) => {
    options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true })
  })
  const [isDismissed, result] = await Promise.race([completed, aborted])
  if (isDismissed) throw new Error('the prompt of the keychain was dismissed')
  return (result as Variant).value
}

const attributesOf = ({ service, account }: SecretServiceOptions): [string, string][] => [
  ['service', service],
  ['username', account],
]

/** Finds the item and unlocks it. Of several matches, the one with only our attributes is used. */
async function findItem(session: Session, options: SecretServiceOptions): Promise<string | undefined> {
  const attributes = attributesOf(options)
  const [unlocked, locked] = await session.ask(ROOT, 'Service', 'SearchItems', 'a{ss}', [attributes])
  const found = [...(unlocked as string[]), ...(locked as string[])]
  const item = found.length > 1 ? await findExact(session, found, attributes) : found[0]
  if (item !== undefined && (locked as string[]).includes(item)) await unlock(session, item)
  return item
}

async function findExact(
  session: Session,
  items: readonly string[],
  attributes: [string, string][],
): Promise<string> {
  for (const item of items) {
    const own = (await session.getProperty(item, 'Item', 'Attributes')) as [string, string][]
    // gnome-keyring adds this attribute itself.
    const rest = own.filter(([name]) => name !== 'xdg:schema')
    if (rest.length === attributes.length) return item
  }
  return items[0]!
}

async function unlock(session: Session, path: string): Promise<void> {
  const [, prompt] = await session.ask(ROOT, 'Service', 'Unlock', 'ao', [[path]])
  await session.answerPrompt(prompt as string)
}

/** Returns the default collection, unlocked. Creates it if none exists; then the service asks the person. */
async function findCollection(session: Session): Promise<string> {
  const [alias] = await session.ask(ROOT, 'Service', 'ReadAlias', 's', ['default'])
  if (alias !== NONE) {
    if (await session.getProperty(alias as string, 'Collection', 'Locked'))
      await unlock(session, alias as string)
    return alias as string
  }
  const label: Value = [[`${INTERFACE}.Collection.Label`, { signature: 's', value: 'Default keyring' }]]
  const [made, prompt] = await session.ask(ROOT, 'Service', 'CreateCollection', 'a{sv}s', [label, 'default'])
  const answered = await session.answerPrompt(prompt as string)
  return (answered ?? made) as string
}
