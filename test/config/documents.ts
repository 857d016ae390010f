/** Random documents that are nearly a configuration: its keys in their places, their values mostly right. */
import fc from 'fast-check'
import { stringify } from 'yaml'

/** Stands where it is wrong, or right by chance. */
export const MARKER = 'Zq9/marker+Zq9'
/** Stands where a secret is right. */
export const SECRET_MARKER = 'Sk8/secret-marker+Sk8'

const name = fc.constantFrom('work', 'home', 'own', 'a.b@c', 'constructor', '__proto__', '-x', '')
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(MARKER, '', 'x', 'work', true, false, null, 0, 8765, -1, 1e300),
    fc.string({ maxLength: 8, unit: 'binary' }),
    fc.array(tie('anything'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(name, fc.constant(MARKER)), tie('anything'), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}))

const mostly = <T>(...right: T[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: anything })
const block = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.record(fields, { requiredKeys: 'kind' in fields ? ['kind'] : [] }) },
    { weight: 1, arbitrary: anything },
  )

const client = {
  issuer: mostly('https://id.example.com', 'http://127.0.0.1:8080'),
  client_id: mostly('cli', 'a b'),
  client_secret: mostly(SECRET_MARKER),
  scopes: mostly<unknown>('openid email', ['openid', 'offline_access'], []),
  hosts: mostly(['api.example.com:8443']),
  endpoints: block({
    token: mostly('https://id.example.com/token'),
    revocation: mostly('https://id.example.com/r'),
  }),
}

const identity = block({
  kind: mostly('oidc/user', 'aws/user', 'own/user', 'aws/assume-role'),
  provider: mostly('oidc', 'aws', 'own'),
  default: mostly(true, false),
  region: mostly('eu-west-1'),
  api_url: mostly('https://api.example.com/v1'),
  session: block({ duration: mostly('12h', '90s') }),
  credentials: block({
    access_key_id: mostly(SECRET_MARKER),
    secret_access_key: mostly(SECRET_MARKER),
    webflow_enabled: mostly(true),
  }),
  via: block({ identity: mostly('work', 'home', 'own') }),
  principal: block({ role_arn: mostly('arn:aws:iam::1:role/x'), tags: mostly({ team: 'a' }) }),
  ...client,
})

const provider = block({
  title: mostly('Our own', '„Käse“'),
  redirect: block({
    host: mostly('127.0.0.1', 'localhost'),
    ports: mostly([8765, 8766]),
    path: mostly('/cb'),
  }),
  env: mostly('OWN_TOKEN'),
  methods: mostly(['browser', 'token']),
  ...client,
})

const named = (value: fc.Arbitrary<unknown>) =>
  fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true })

const tree = block({
  auth: block({
    identities: named(identity),
    providers: named(provider),
    keyring: block({ type: mostly('auto', 'file') }),
  }),
  default: mostly('work', 'home'),
})

/** As JSON, as YAML in lines, or with a character or two out of place. */
export const documents = fc
  .tuple(
    tree,
    fc.constantFrom<(value: unknown) => string>(JSON.stringify, stringify, (value) =>
      stringify(value, { collectionStyle: 'flow' }),
    ),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('', ' ', '\n', ':', '"', '[', '}', '!env X', '&a ', '*a', '<<: ', '\t'),
      ),
      { maxLength: 2, size: 'small' },
    ),
  )
  .map(([value, written, slips]) =>
    slips.reduce((text, [place, cut, put]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + put + text.slice(at + cut)
    }, written(value) ?? ''),
  )
