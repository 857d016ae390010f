import type { Command } from '@commander-js/extra-typings'
import { common, selected } from './flags.ts'
import type { Runner } from './runner.ts'

/** What other programs call, in their own words. Nobody is asked anything here. */
export function protocolCommands(root: Command, runner: Runner): void {
  common(root.command('git-credential'))
    .description('answer git, which asks for a user and a password')
    .argument('<operation>', 'get, store or erase')
    .addHelpText('after', GIT)
    .action(async (operation, flags) => {
      const { gitCredential } = await import('./commands/git-credential.ts')
      const who = selected(undefined, flags)
      const alone = { ...flags, input: false }
      await runner.run(alone, 'git-credential', (world) => gitCredential(world, operation, who))
    })

  common(root.command('docker-credential'))
    .description('answer docker, which asks for the credential of a registry')
    .argument('<operation>', 'get, store, erase or list')
    .addHelpText('after', DOCKER)
    .action(async (operation, flags) => {
      const { dockerCredential } = await import('./commands/docker-credential.ts')
      const who = selected(undefined, flags)
      const alone = { ...flags, input: false }
      await runner.run(alone, 'docker-credential', (world) => dockerCredential(world, operation, who))
    })

  common(root.command('kube-credential'))
    .description('answer kubectl, which starts a program for its token')
    .argument('[identity]', 'which')
    .addHelpText('after', KUBE)
    .action(async (identity, flags) => {
      const { kubeCredential } = await import('./commands/kube-credential.ts')
      const who = selected(identity, flags)
      const alone = { ...flags, input: false }
      await runner.run(alone, 'kube-credential', (world) => kubeCredential(world, who))
    })
}

const GIT = `
git calls it, and talks to it over standard input and output: see \`daypass setup git\`. It answers for the
hosts of your identities and no other; also as git-credential-daypass.`

const DOCKER = `
docker calls it, as docker-credential-daypass: see \`daypass setup docker\`. It answers for the registries
of your identities and no other.`

const KUBE = `
kubectl calls it: see \`daypass setup kubectl\`. The token is the id_token, where there is one and config.yaml
does not say kube_token: access_token.`
