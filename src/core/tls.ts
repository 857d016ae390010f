import { DaypassError } from './errors.ts'

const VARIABLE = 'NODE_TLS_REJECT_UNAUTHORIZED'

/** Before anything is sent: under this variable, anyone on the network path would be shown the token. */
export function assertTlsChecked(env: Readonly<Record<string, string | undefined>>): void {
  if (env[VARIABLE] !== '0') return
  throw new DaypassError(
    'refused',
    `${VARIABLE}=0 turns off the check of certificates, and nothing is sent so`,
    {
      hint: `unset ${VARIABLE}; for a certificate of your own or of your company: NODE_EXTRA_CA_CERTS=/path/to/ca.pem`,
    },
  )
}
