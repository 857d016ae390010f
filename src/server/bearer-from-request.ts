/** The bearer in a request, in one of the forms that programs use. */
export interface PresentedBearer {
  bearer: string
  /** The user name, where the bearer came as a password. */
  user?: string
}

/** Parses `Bearer …` (RFC 6750 §2.1), GitHub's `token …`, or the password of `Basic` (RFC 7617). */
export function parseAuthorization(authorization = ''): PresentedBearer | undefined {
  const [, scheme = '', value = ''] = /^(bearer|token|basic) +(\S+)$/i.exec(authorization) ?? []
  if (scheme === '') return undefined
  if (scheme.toLowerCase() !== 'basic') return { bearer: value }
  const [, user, bearer] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
  return user === undefined || bearer === undefined ? undefined : { user, bearer }
}
