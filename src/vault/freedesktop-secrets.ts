/**
 * The Secret Service of Linux desktops (freedesktop.org, Secret Service API 0.2), over the socket of the session bus.
 * It reads and writes the very items of `@napi-rs/keyring`: the attributes `service` and `username`, and no others, since
 * that library fails for ever where two items match.
 */
import { type Bus, findBusSockets, openBus, type Value, type Variant } from './dbus.ts'

export interface SecretServiceOptions {
  service: string
  account: string
  env: Readonly<Record<string, string | undefined>>
  /** Ends every wait. */
  signal: AbortSignal
  /** The service has answered that it must ask the person. */
  onPrompt(): void
}

const NAME = 'org.freedesktop.secrets'
const ROOT = '/org/freedesktop/secrets'
const INTERFACE = 'org.freedesktop.Secret'
/** What D-Bus writes where an object would stand: no prompt is needed, no collection is there. */
const NONE = '/'

/** `undefined`: there is no such item. */
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

/** An item that is there gets the new text: KeePassXC would ask before it replaced one. */
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
  /** Waits until the person has answered; throws where the prompt was dismissed. Resolves with its result. */
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
    // Whoever could read this socket could ask the service, too, so that encryption would protect nothing.
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
    // Closed, not dismissed: Prompt.Dismiss ends gnome-keyring 42 with an assertion.
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

/** Unlocked where it was locked. Of several that match, the one with our attributes and no others. */
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
    // gnome-keyring adds its schema by itself.
    const rest = own.filter(([name]) => name !== 'xdg:schema')
    if (rest.length === attributes.length) return item
  }
  return items[0]!
}

async function unlock(session: Session, path: string): Promise<void> {
  const [, prompt] = await session.ask(ROOT, 'Service', 'Unlock', 'ao', [[path]])
  await session.answerPrompt(prompt as string)
}

/** The default collection, unlocked; made where there is none yet, which the service asks the person about. */
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
