import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Tls {
  /** The path of the authority's certificate; nobody knows it but who is told. */
  ca: string
  key: string
  cert: string
}

/** A certificate for 127.0.0.1 and localhost, of an authority of its own. Made in `folder` by openssl. */
export function makeTls(folder: string): Tls {
  mkdirSync(folder, { recursive: true })
  const at = (name: string) => join(folder, name)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const authority = ['-subj', '/CN=test authority', '-keyout', at('ca.key'), '-out', at('ca.pem')]
  const own = ['-subj', '/CN=127.0.0.1', '-keyout', at('key.pem'), '-out', at('cert.pem')]
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const signed = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]
  for (const more of [authority, [...own, ...names, ...signed]])
    execFileSync('openssl', ['req', '-x509', ...curve, ...more], { stdio: 'ignore' })
  const text = (name: string) => readFileSync(at(name), 'utf8')
  return { ca: at('ca.pem'), key: text('key.pem'), cert: text('cert.pem') }
}
