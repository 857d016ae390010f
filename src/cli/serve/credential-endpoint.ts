import { devNull } from 'node:os'
import type { Handed } from '../../client/credential.ts'
import { DaypassError } from '../../core/errors.ts'
import type { Credential } from '../../core/types.ts'
import { keysAnswer } from '../../formats/container-credentials.ts'
import { tokenAnswer } from '../../formats/token.ts'
import { type Address, type Changes, liveChanges } from '../../formats/variables.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Endpoint } from '../../server/credential-endpoint.ts'
import type { Held } from '../../server/live-credential.ts'
import type { Place } from '../../server/local-server.ts'
import { stampOf } from '../../vault/stamp.ts'
import type { World } from '../output/result.ts'

/** An address that answers with the credential of the identity, which is kept good meanwhile. */
export async function openLive(
  { verb, daypass, host, paths }: World,
  handed: Handed,
  provider: Provider,
  { place, onAsked }: { place: Place; onAsked?: () => void },
): Promise<Endpoint> {
  const { identity, credential, variable } = handed
  if (variable) throw notOurs(variable, verb)
  const { path, bearerInPath, text } = speech(identity, credential, provider)
  const { keepLive } = await import('../../server/live-credential.ts')
  const { patient } = await import('../../server/retry-delay.ts')
  const { startEndpoint } = await import('../../server/credential-endpoint.ts')
  const live = keepLive({
    // The very same identity, whatever the default becomes meanwhile.
    take: patient(async () => heldOf(await daypass.handOut(identity)), host.now),
    stamp: stampOf(paths.vault, identity),
    margin: provider.tokens.refresh.margin,
    now: host.now,
  })
  let last: { held: Held; text: string } | undefined
  const answer = async () => {
    const held = await live.current()
    if (last?.held !== held) last = { held, text: text(held) }
    return last.text
  }
  // Renewed ahead from now on, even if nobody asks. What cannot be told is found out here.
  await answer()
  const endpoint = await startEndpoint({
    place,
    path,
    bearerInPath,
    answer,
    ...(onAsked && { onAsked }),
  })
  return {
    ...endpoint,
    async close() {
      await Promise.all([endpoint.close(), live.close()])
    },
  }
}

const heldOf = ({ credential, header }: Handed): Held => ({
  credential,
  clockOffset: header?.clockOffset ?? 0,
  account: header?.account?.account,
  renewable: header?.renewable ?? false,
})

/** Where it is asked for, and in which words it is answered. */
function speech(identity: string, credential: Credential, provider: Provider) {
  const live = provider.environment.export?.live
  const place = placeOf(credential)
  const text = ({ credential, ...beside }: Held): string => {
    // Whoever asks one cloud's path shows that cloud what is answered.
    if (placeOf(credential) !== place) throw elsewhere(identity)
    if (credential.kind === 'bearer') return tokenAnswer(credential, beside.clockOffset)
    if (!live) throw noSpeech(identity, provider)
    if (!credential.sessionToken) throw lasting(identity)
    return keysAnswer(live.answer, credential, beside)
  }
  return { path: `/v1/${place}`, bearerInPath: credential.kind === 'keys' && !live?.bearer, text }
}

const placeOf = (credential: Credential) => (credential.kind === 'keys' ? credential.cloud : 'token')

/** What is done to the environment of a program so that it asks there; nothing where no variable says such a thing. */
export async function leadingTo(
  { daypass, host }: World,
  selected: string | undefined,
  address: Address,
): Promise<Changes> {
  const { provider, params, unsaid } = await daypass.definition(selected)
  const variables = provider.environment.export
  if (!variables?.live) return { set: [], clear: [] }
  // The file that may have said one is out of sight: then a default of ours is better than none.
  const isThere = variables.region?.some((name) => host.env[name])
  const region = unsaid.includes('region') && isThere && !variables.regionAlways ? undefined : params.region
  return liveChanges(variables, variables.live, address, { region, emptyFile: devNull })
}

/** `args`: flags of the verb that say what is to be renewed. */
export const notOurs = (variable: string, verb: string, args: readonly string[] = []) =>
  new DaypassError('usage', `the credential of ${variable} is not ours to renew`, {
    advice: {
      verb,
      args,
      identity: '<identity>',
      flags: verb === 'exec' ? ['--endpoint', '--', 'CMD'] : [],
    },
  })

export const lasting = (identity: string) =>
  new DaypassError('usage', `${identity} has static keys, which nobody has to renew`, {
    advice: { verb: 'exec', identity, flags: ['--', 'CMD'] },
  })

export const elsewhere = (identity: string) =>
  new DaypassError('refused', `${identity} was logged in elsewhere meanwhile`, {
    hint: 'end this one, and start it anew',
  })

const noSpeech = (identity: string, { title }: Provider) =>
  new DaypassError('usage', `programs that use ${title} ask no address for keys`, {
    advice: { verb: 'exec', identity, flags: ['--', 'CMD'] },
  })
