/**
 * The commands that look at everything together: tell why, prove, and mend.
 * @module
 */
import { Argument, type Command, Option } from 'commander'
import { type Call, command, namespace, output, statusSocket, store } from './command-line.ts'
import type { StatusOptions, StoreOptions } from './context.ts'

const state = (): Option =>
  new Option(
    '--state <FOLDER...>',
    'folders of the own state of agents, named after their nodes (default: those beside the store)',
  )
const hostLocal = (): Option =>
  new Option('--host-local <FOLDER...>', 'folders of networks of host-local to look at too')

type Surveyed = StoreOptions & StatusOptions & { readonly output?: 'json' }

/** `explain`, `check` and `repair`. */
export function addProving(program: Command, call: Call): void {
  command(program, 'explain', {
    summary: 'Tell why a pod is not attached, from what is seen to its cause',
    more:
      'One chain an interface, each link the cause of the one before, and the command that\n' +
      'mends it. Exit status 1 when something is not as it should be.',
    example: 'verbena explain web-0 -n default',
  })
    .addArgument(new Argument('<POD>', 'its name, or NAMESPACE/NAME'))
    .addOption(namespace())
    .option('--cluster-network <NS/NAME>', 'network of pods that name none')
    .addOption(store())
    .addOption(statusSocket())
    .addOption(state())
    .addOption(output('json'))
    .action((pod: string, options: Surveyed & { namespace?: string; clusterNetwork?: string }) =>
      call(async (context) => (await import('./explain.ts')).explain({ ...options, pod }, context)),
    )
  command(program, 'check', {
    summary: 'Prove that addresses are held once, by pods that exist, inside their pools',
    more: 'Exit status 1 when something is found; each finding comes with what mends it.',
    example: 'verbena check --store /var/lib/verbena/store.db',
  })
    .addOption(store())
    .addOption(statusSocket())
    .addOption(state())
    .addOption(hostLocal())
    .addOption(output('json'))
    .action((options: Surveyed) =>
      call(async (context) => (await import('./check.ts')).check(options, context)),
    )
  command(program, 'repair', {
    summary: 'Mend what check finds, after showing it',
    more:
      'Asks on a terminal, else wants --yes. It looks again before it mends, and never frees an\n' +
      'address that an interface of this machine has. Exit status 1 when something is left.',
    example: 'verbena repair --dry-run',
  })
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only show')
    .addOption(store())
    .addOption(statusSocket())
    .addOption(state())
    .addOption(hostLocal())
    .addOption(output('json'))
    .action((options: Surveyed) =>
      call(async (context) => (await import('./repair.ts')).repair(options, context)),
    )
}
