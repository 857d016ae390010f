import { type Advice, DaypassError, isDaypassError } from '../../core/errors.ts'
import { Secret } from '../../core/secret.ts'
import { buildConsoleUrl, getSigninTokenUrl } from '../../formats/console-url.ts'
import { openStartPageOnce } from '../../login/start-page.ts'
import { createUnreachableError, sendHttpRequest } from '../../oauth/http.ts'
import { createVerbCommand, resolveSelected } from '../flags.ts'
import { obtainCredential } from '../hand-out.ts'
import type { CommandContext, CommandResult } from '../output/result.ts'
import { formatJson } from '../output/result.ts'
import type { Runner } from '../runner.ts'

export const createConsoleCommand = ({ run }: Runner) =>
  createVerbCommand('console')
    .description("open the cloud's web console as this identity")
    .argument('[identity]', 'which')
    .option('--print', 'only print the address')
    .option('--service <name>', 'its page: s3, ec2, cloudwatch, …')
    .option('--destination <url>', 'any page of the console')
    .option('--region <region>', 'the region of the page')
    .option('--browser <command>', 'open it with this command')
    .action((identity, flags) =>
      run(flags, 'console', (world) => runConsole(world, resolveSelected(identity, flags), flags)),
    )

interface ConsoleFlags {
  print?: boolean | undefined
  service?: string | undefined
  destination?: string | undefined
  region?: string | undefined
  browser?: string | undefined
}

/** Opens the web console, or with `--print` shows the address, which signs in its reader. */
async function runConsole(
  world: CommandContext,
  selected: string | undefined,
  flags: ConsoleFlags,
): Promise<CommandResult> {
  const { daypass, host, json } = world
  const { identity, credential } = await obtainCredential(world, selected, undefined)
  const { provider, params, endpoints } = await daypass.definition(identity)
  const consoleHost = provider.helpers.console?.(params)
  if (!consoleHost || !endpoints.federation || credential.kind !== 'keys')
    throw new DaypassError('usage', `${provider.title} has no console that daypass can open`, {
      hint: (command) => `${command({ verb: 'list' })} shows what there is`,
    })
  const token = await fetchSigninToken(world, getSigninTokenUrl(endpoints.federation, credential))
  const region = flags.region ?? params.region
  // The console sends a person here when the session has ended.
  const issuer = `https://${consoleHost}/`
  const page = { issuer, consoleHost, region, service: flags.service, destination: flags.destination }
  const url = buildConsoleUrl(endpoints.federation, token, page)
  if (flags.print || json) return { out: json ? formatJson({ identity, url }) : url }
  await openInBrowser(world, url, { verb: 'console', identity, flags: ['--print'] }, flags.browser)
  host.terminal.say(`Opened the console of ${provider.title} as ${identity}`)
  return {}
}

/** How long a browser may take to start and to fetch the page. */
const START_PAGE_TIMEOUT = 60_000

/** The first person who opens the address is signed in, so the opener gets another address, which is answered once. */
async function openInBrowser(
  { host, signal }: CommandContext,
  url: string,
  advice: Advice,
  browser: string | undefined,
): Promise<void> {
  const page = await openStartPageOnce(host, url, { limit: START_PAGE_TIMEOUT, signal })
  try {
    if (!(await host.openBrowser(page.url, browser)))
      throw new DaypassError('not_found', 'no browser could be opened here', { advice })
    if (await page.visited) return
    throw new DaypassError('port', `the browser did not reach ${new URL(page.url).host} within a minute`, {
      advice,
    })
  } finally {
    await page.close()
  }
}

async function fetchSigninToken({ host }: CommandContext, url: string): Promise<Secret> {
  // The address holds the keys, so no error may repeat it.
  const answer = await sendHttpRequest(host, url, {}).catch((error: unknown) => {
    throw isDaypassError(error) ? error : createUnreachableError(new URL(new URL(url).origin), error)
  })
  const token = answer.status === 200 ? parseSigninToken(answer.text) : undefined
  if (token) return new Secret(token)
  const { host: at } = new URL(url)
  if (answer.status >= 500 || answer.status === 429)
    throw new DaypassError('network', `${at} answered ${answer.status}`, { hint: 'try again in a while' })
  throw new DaypassError('refused', `${at} gives no console for these keys (${answer.status})`, {
    hint: (command) =>
      `the console takes keys of a role: ${command({ verb: 'console', identity: '<identity>' })}, one of kind aws/assume-role or signed in as a role`,
  })
}

function parseSigninToken(text: string): string | undefined {
  try {
    const { SigninToken } = JSON.parse(text) as { SigninToken?: unknown }
    return typeof SigninToken === 'string' && SigninToken !== '' ? SigninToken : undefined
  } catch {
    return undefined
  }
}
