import * as fs from 'node:fs'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { readAwsFindings } from '../../../src/tools/aws/read-profiles.ts'
import { failure } from '../../vault/support.ts'
import { awsHome, put, setUpAws } from './cli.ts'

const CONFIG = `[default]
region = eu-west-1
[profile role]
role_arn = arn:aws:iam::1:role/R
source_profile = default
mfa_serial = arn:aws:iam::1:mfa/me
region = us-east-1
[profile inst]
role_arn = arn:aws:iam::1:role/I
credential_source = Ec2InstanceMetadata
[profile login]
region = from-config
login_session = arn:aws:iam::1:user/me
[profile sso]
sso_session = corp
sso_account_id = 1
[sso-session corp]
sso_start_url = https://corp
[profile web]
role_arn = arn:aws:iam::1:role/W
web_identity_token_file = /token
[profile other]
credential_process = /bin/vault --password hush
[profile here]
aws_access_key_id = AKIAHERE
aws_secret_access_key = hush
[profile plain]
output = json
`
const CREDENTIALS = `[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = hush#1
[temp]
aws_access_key_id = ASIATEMP
aws_secret_access_key = hush
aws_session_token = hush
[login]
region = from-credentials
[half]
aws_access_key_id = AKIAHALF
[here]
aws_access_key_id = AKIATHERE
aws_secret_access_key = hush
`

test('everything that could become an identity is found, and nothing is changed or printed', async (context) => {
  const { paths, ledger } = awsHome(context)
  put(paths.config, CONFIG)
  put(paths.credentials, CREDENTIALS)
  fs.chmodSync(paths.credentials, 0o644)
  await setUpAws(
    {
      profile: 'mine',
      identity: 'work',
      form: 'credential-process',
      command: ['/usr/bin/node', '/opt/daypass/dist/cli.cjs', 'credential-process', 'work'],
    },
    { paths, ledger },
  )
  const before = fs.readFileSync(paths.config, 'utf8')
  const found = readAwsFindings(paths)
  expect(found.map(({ kind, profile }) => `${profile}: ${kind}`)).toEqual([
    'default: keys',
    'role: role',
    'inst: role',
    'login: login-session',
    'sso: sso',
    'web: web-identity',
    'other: process',
    'here: keys',
    'mine: process',
    'temp: keys',
  ])
  const of = (profile: string) => found.find((one) => one.profile === profile)
  expect(of('default')).toMatchObject({
    accessKeyId: 'AKIADEFAULT',
    file: 'credentials',
    region: 'eu-west-1',
  })
  expect(of('default')).not.toHaveProperty('sessionToken')
  expect(of('default')).toHaveProperty(
    'secretAccessKey',
    expect.toSatisfy((secret) => secret.equals('hush#1')),
  )
  expect(of('here')).toMatchObject({ accessKeyId: 'AKIATHERE', file: 'credentials' })
  expect(of('temp')).toHaveProperty('sessionToken')
  expect(of('role')).toMatchObject({
    sourceProfile: 'default',
    mfaSerial: 'arn:aws:iam::1:mfa/me',
    region: 'us-east-1',
  })
  expect(of('login')).toMatchObject({ region: 'from-credentials' })
  expect(of('inst')).toMatchObject({ credentialSource: 'Ec2InstanceMetadata' })
  expect(of('sso')).toMatchObject({ hint: expect.stringContaining('aws sso login --profile sso') })
  expect([of('other'), of('mine')]).toMatchObject([{ ours: false }, { ours: true }])
  expect(inspect(found, { depth: 9 }) + JSON.stringify(found)).not.toContain('hush')
  expect(fs.readFileSync(paths.config, 'utf8')).toBe(before)
  expect(fs.readFileSync(paths.credentials, 'utf8')).toBe(CREDENTIALS)
  expect(fs.statSync(paths.credentials).mode & 0o777).toBe(0o644)
})

test('no files is nothing found; a file that cannot be read is said', async (context) => {
  const { paths } = awsHome(context)
  expect(readAwsFindings(paths)).toEqual([])
  expect(readAwsFindings({ config: '/dev/null', credentials: '/dev/null' })).toEqual([])
  fs.mkdirSync(paths.config, { recursive: true })
  await failure(() => readAwsFindings(paths), 'vault')
})
