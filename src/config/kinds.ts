/** Providers that come with daypass; one's own may not take their names. */
export const BUILT_IN_PROVIDERS = [
  'aws',
  'alibaba',
  'cloudinary',
  'passport',
  'autocom',
  'oidc',
  'github',
  'gitlab',
  'google',
  'microsoft',
] as const

/** Providers whose kinds are not just `<provider>/user`. */
const OWN_KINDS: Readonly<Record<string, readonly string[]>> = {
  aws: ['aws/user', 'aws/root', 'aws/assume-role'],
  alibaba: ['alibaba/user', 'alibaba/ram-role'],
  cloudinary: ['cloudinary/account'],
}

export function kindsOf(provider: string): readonly string[] {
  return Object.hasOwn(OWN_KINDS, provider) ? OWN_KINDS[provider]! : [`${provider}/user`]
}

/** A credential of this kind is made from another identity's. */
export function isDerived(kind: string): boolean {
  return kind === 'aws/assume-role' || kind === 'alibaba/ram-role'
}

export function providerOf(kind: string): string {
  return kind.split('/', 1)[0]!
}
