import { devNull } from 'node:os'
import type { CredentialResult } from '../../client/credential.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Credential } from '../../core/types.ts'
import { formatContainerCredentials } from '../../formats/container-credentials.ts'
import { formatTokenAnswer } from '../../formats/token.ts'
import { buildLiveChanges, type EndpointAddress, type EnvChanges } from '../../formats/variables.ts'
import type { Provider } from '../../providers/provider.ts'
import type { CredentialEndpoint } from '../../server/credential-endpoint.ts'
import type { CurrentCredential } from '../../server/live-credential.ts'
import type { Place } from '../../server/local-server.ts'
import { createStampReader } from '../../vault/stamp.ts'
import type { CommandContext } from '../output/result.ts'

/** Opens an address that answers with the credential of the identity and keeps it renewed. */
export async function openLiveEndpoint(
  { verb, daypass, host, paths }: CommandContext,
  handed: CredentialResult,
  provider: Provider,
  { place, onAsked }: { place: Place; onAsked?: () => void },
): Promise<CredentialEndpoint> {
  const { identity, credential, variable } = handed
  if (variable) throw createNotRenewableError(variable, verb)
  const { path, bearerInPath, text } = resolveAnswerFormat(identity, credential, provider)
  const { keepCredentialLive } = await import('../../server/live-credential.ts')
  const { cacheRetryableError } = await import('../../server/retry-delay.ts')
  const { startEndpoint } = await import('../../server/credential-endpoint.ts')
  const live = keepCredentialLive({
    // The same identity, even if the default changes meanwhile.
    take: cacheRetryableError(
      async () => buildCurrentCredential(await daypass.getCredential(identity)),
      host.now,
    ),
    stamp: createStampReader(paths.vault, identity),
    margin: provider.tokens.refresh.margin,
    now: host.now,
  })
  let last: { held: CurrentCredential; text: string } | undefined
  const buildAnswer = async () => {
    const held = await live.current()
    if (last?.held !== held) last = { held, text: text(held) }
    return last.text
  }
  // From now on the credential is renewed ahead, even without a request. A credential that cannot be served
  // throws here.
  await buildAnswer()
  const endpoint = await startEndpoint({
    place,
    path,
    bearerInPath,
    answer: buildAnswer,
    ...(onAsked && { onAsked }),
  })
  return {
    ...endpoint,
    async close() {
      await Promise.all([endpoint.close(), live.close()])
    },
  }
}

const buildCurrentCredential = ({ credential, header }: CredentialResult): CurrentCredential => ({
  credential,
  clockOffset: header?.clockOffset ?? 0,
  account: header?.account?.account,
  renewable: header?.renewable ?? false,
})

/** Returns the path and the format of the answer. */
function resolveAnswerFormat(identity: string, credential: Credential, provider: Provider) {
  const live = provider.environment.export?.live
  const place = getEndpointName(credential)
  const text = ({ credential, ...beside }: CurrentCredential): string => {
    // A program that asks the path of one cloud must not get the keys of another.
    if (getEndpointName(credential) !== place) throw createMovedError(identity)
    if (credential.kind === 'bearer') return formatTokenAnswer(credential, beside.clockOffset)
    if (!live) throw createNoLiveKeysError(identity, provider)
    if (!credential.sessionToken) throw createLastingKeysError(identity)
    return formatContainerCredentials(live.answer, credential, beside)
  }
  return { path: `/v1/${place}`, bearerInPath: credential.kind === 'keys' && !live?.bearer, text }
}

const getEndpointName = (credential: Credential) => (credential.kind === 'keys' ? credential.cloud : 'token')

/** Returns the variables that lead a program to the endpoint; none where no variable can. */
export async function buildEndpointEnvironment(
  { daypass, host }: CommandContext,
  selected: string | undefined,
  address: EndpointAddress,
): Promise<EnvChanges> {
  const { provider, params, defaulted } = await daypass.definition(selected)
  const variables = provider.environment.export
  if (!variables?.live) return { set: [], clear: [] }
  // The file that may name a region is hidden, so our default applies unless the environment names one.
  const isThere = variables.region?.some((name) => host.env[name])
  const region =
    defaulted.includes('region') && isThere && !variables.regionAlways ? undefined : params.region
  return buildLiveChanges(variables, variables.live, address, { region, emptyFile: devNull })
}

/** Creates the error for a credential of the environment. `args`: flags that select what is renewed. */
export const createNotRenewableError = (variable: string, verb: string, args: readonly string[] = []) =>
  new DaypassError('usage', `the credential of ${variable} is not ours to renew`, {
    advice: {
      verb,
      args,
      identity: '<identity>',
      flags: verb === 'exec' ? ['--endpoint', '--', 'CMD'] : [],
    },
  })

export const createLastingKeysError = (identity: string) =>
  new DaypassError('usage', `${identity} has static keys, which nobody has to renew`, {
    advice: { verb: 'exec', identity, flags: ['--', 'CMD'] },
  })

export const createMovedError = (identity: string) =>
  new DaypassError('refused', `${identity} was logged in elsewhere meanwhile`, {
    hint: 'end this one, and start it anew',
  })

const createNoLiveKeysError = (identity: string, { title }: Provider) =>
  new DaypassError('usage', `programs that use ${title} ask no address for keys`, {
    advice: { verb: 'exec', identity, flags: ['--', 'CMD'] },
  })
