import type { Command } from '@commander-js/extra-typings'
import { common, selected } from './flags.ts'
import type { Runner } from './runner.ts'

/** Where an account has several tenants, which one a token is used in. */
export function tenantCommands(tenants: Command, runner: Runner): void {
  common(tenants.command('list'))
    .description('which there are, as the server says')
    .argument('[identity]', 'which')
    .option('--tenant <tenant>', 'ask within this one, instead of the one in force')
    .action(async (identity, flags) => {
      const { listTenants } = await import('./commands/tenants.ts')
      await runner.run(flags, 'tenants', (world) => listTenants(world, selected(identity, flags), flags))
    })

  common(tenants.command('use'))
    .description('from now on, work in this one')
    .argument('<tenant>', 'its slug')
    .argument('[identity]', 'which')
    .action(async (tenant, identity, flags) => {
      const { useTenant } = await import('./commands/tenants.ts')
      await runner.run(flags, 'tenants', (world) => useTenant(world, tenant, selected(identity, flags)))
    })
}
