/**
 * The tree of commands: names, options, one real example each. Making it has
 * no effect; what a command does is loaded when it is called, so that
 * `verbena version` starts fast.
 * @module
 */
import { Argument, Command, Option } from 'commander'
import { AGENT_OPTIONS } from '#apps/agent-options.ts'
import type { CniOptions } from './cni-call.ts'
import type { PlanOptions } from './plan-options.ts'
import {
  type Call,
  command,
  files,
  namespace,
  output,
  podResources,
  statusSocket,
  store,
} from './command-line.ts'
import type { Context, OutputOptions, StatusOptions, StoreOptions } from './context.ts'
import { addProving } from './proving.ts'

/** Fixed, so that the reference page is the same wherever it is made. */
const HELP_COLUMNS = 90
const LAB_FILES = ['manifests/ipoib-network.yaml', 'manifests/ipoib-daemonset.yaml']

type Streams = Pick<Context, 'stdout' | 'stderr'>

/** The tree. Without `call` it is for reading only: its commands do nothing. */
export function makeProgram(call: Call = async () => undefined, streams?: Streams): Command {
  const program = new Command('verbena')
    .description('InfiniBand and RDMA network interfaces for pods and containers')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: HELP_COLUMNS })
  if (streams !== undefined) {
    program.configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      outputError: () => undefined,
    })
  }
  addWriting(program, call)
  addReading(program, call)
  addProving(program, call)
  addTrying(program, call)
  addRunning(program, call)
  return program
}

type Files = { readonly filename: readonly string[] }
type Named = StoreOptions & StatusOptions & OutputOptions & { readonly namespace?: string }

function addWriting(program: Command, call: Call): void {
  command(program, 'apply', {
    summary: 'Store documents: defaulted, admitted, with what follows from them',
    more:
      'All files are read and admitted first: if one document has an error, nothing is written.\n' +
      'A SpiderMultusConfig also gives its NetworkAttachmentDefinition.',
    example: 'verbena apply -f manifests/ipoib-network.yaml -f manifests/ipoib-daemonset.yaml',
  })
    .addOption(files().makeOptionMandatory())
    .addOption(namespace())
    .addOption(output('json', 'yaml', 'name'))
    .addOption(store())
    .action((options: Files & Named) =>
      call(async (context) => (await import('./apply.ts')).apply(options, context)),
    )
  command(program, 'delete', {
    summary: 'Delete documents by kind and name, or those that files name',
    more: 'A pool that still holds addresses stays, terminating, until its last one is free.',
    example: 'verbena delete spiderippool v4-91',
  })
    .addArgument(new Argument('[KIND]', 'kind, plural or short name'))
    .addArgument(new Argument('[NAME...]', 'names'))
    .addOption(files())
    .addOption(namespace())
    .addOption(output('name'))
    .addOption(store())
    .action((kind: string | undefined, names: readonly string[], options: Partial<Files> & Named) =>
      call(async (context) =>
        (await import('./delete.ts')).deleteDocuments({ kind, names, ...options }, context),
      ),
    )
}

function addReading(program: Command, call: Call): void {
  command(program, 'get', {
    summary: 'Show documents as a table, or whole',
    example: 'verbena get pod -o wide',
  })
    .addArgument(
      new Argument('<KIND>', 'kind, plural or short name; several joined by commas; all'),
    )
    .addArgument(new Argument('[NAME...]', 'names; all of the kind when absent'))
    .addOption(namespace())
    .option('-A, --all-namespaces', 'of all namespaces')
    .addOption(output('json', 'yaml', 'wide', 'name'))
    .addOption(store())
    .action(
      (kind: string, names: readonly string[], options: Named & { allNamespaces?: boolean }) =>
        call(async (context) =>
          (await import('./get.ts')).get({ kind, names, ...options }, context),
        ),
    )
  command(program, 'describe', {
    summary: 'Show one document with what belongs to it',
    more: 'A pod with its attachments, a pool with the holders of its addresses.',
    example: 'verbena describe pool v4-91',
  })
    .addArgument(new Argument('<KIND>', 'kind, plural or short name'))
    .addArgument(new Argument('<NAME>', 'its name'))
    .addOption(namespace())
    .addOption(store())
    .addOption(statusSocket())
    .action((kind: string, name: string, options: Named) =>
      call(async (context) =>
        (await import('./describe.ts')).describe({ kind, name, ...options }, context),
      ),
    )
  command(program, 'render', {
    summary: 'Show what files become, without a store',
    more:
      'The documents after defaulting and admission, what follows from them, warnings and\n' +
      'errors. Documents are taken in order: a name that comes again is an update.',
    example: 'verbena render -f manifests/ipoib-network.yaml -o json',
  })
    .addOption(files().makeOptionMandatory())
    .addOption(namespace())
    .addOption(output('json', 'yaml'))
    .action((options: Files & Named) =>
      call(async (context) => (await import('./render.ts')).render(options, context)),
    )
}

function addTrying(program: Command, call: Call): void {
  command(program, 'plan', {
    summary: 'Show what attaching a pod would do, without doing it',
    more:
      'The attachments with the configuration of every plugin, addresses and where they come\n' +
      'from, the steps and what takes them back; for the host of --world, else for one that is\n' +
      'assumed to have the parents that the files name. Exit status 1 with errors.',
    example:
      'verbena plan -f manifests/ipoib-network.yaml -f manifests/ipoib-daemonset.yaml \\\n' +
      '    --pod default/ipoib --node node-1 -o json',
  })
    .addOption(files())
    .addOption(namespace())
    .requiredOption('--pod <NS/NAME>', 'a Pod, or a workload whose pod is meant')
    .requiredOption('--node <NODE>', 'node that the pod is on')
    .option('--world <FILE>', 'simulated host to plan for, JSON; its documents come first')
    .option('--store <FILE>', 'store whose documents come before all others; it is only read')
    .addOption(podResources())
    .option('--cluster-network <NS/NAME>', 'network of pods that name none')
    .option('--conf-dir <DIR>', "folder of the world's CNI configurations by name")
    .addOption(output('json', 'yaml', 'text'))
    .action((options: PlanOptions) =>
      call(async (context) => (await import('./plan.ts')).plan(options, context)),
    )
  command(program, 'cni', {
    summary: 'Be a CNI plugin, in one process without an agent',
    more:
      'Environment and standard input are those of a plugin; its name is the `type` of the\n' +
      'configuration, and a list of plugins is run as one. With --world nothing of this machine\n' +
      'is touched: {exit, result|error, world} is printed, and the exit status is 0.',
    example:
      'CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/pod CNI_IFNAME=net1 \\\n' +
      '    CNI_PATH=/opt/cni/bin verbena cni --world world.json < ipoib.json',
  })
    .option('--world <FILE>', 'simulated host to run against, JSON')
    .addOption(store())
    .option('--state <DIR>', 'folder of its journal (default: /var/lib/verbena/cni)')
    .option('--node <NAME>', 'name of the node (default: host name)')
    .option('--cluster-network <NS/NAME>', 'network of pods that name none')
    .option('--conf-dir <DIR>', 'CNI configurations by name (default: /etc/cni/net.d)')
    .addOption(podResources())
    .action((options: CniOptions) =>
      call(async (context) => (await import('./cni.ts')).cni(options, context)),
    )
}

function addRunning(program: Command, call: Call): void {
  addLab(program, call)
  const agent = command(program, 'agent', {
    summary: 'Serve the CNI requests of one node until it is told to stop',
    example: 'verbena agent --node node-1 --socket /run/verbena/agent.sock',
  })
  for (const { name, value, help } of AGENT_OPTIONS) agent.option(`--${name} <${value}>`, help)
  agent.action(() =>
    call(async (context) => (await import('./agent.ts')).agent(context.argv.slice(1), context)),
  )
  command(program, 'version', {
    summary: 'Show the version',
    example: 'verbena version -o json',
  })
    .addOption(output('json'))
    .action((options: OutputOptions) =>
      call(async (context) => (await import('./version.ts')).version(options, context)),
    )
}

function addLab(program: Command, call: Call): void {
  command(program, 'lab', {
    summary: 'Take the files of a network from YAML to a ping between two pods',
    more:
      'Starts nodes, applies the files, runs one pod a node, pings, cleans up after itself.\n' +
      'Of a run that was kept: `verbena lab exec RUN [NAME] -- COMMAND` runs a command in a\n' +
      'node, a pod, or on the ground itself; `verbena lab end RUN` ends it.',
    example: 'verbena lab --ground host -f my-network.yaml -f my-daemonset.yaml',
  })
    .argument('[VERB]', 'end or exec, of a run that was kept')
    .argument('[RUN]', 'that run')
    .argument('[NAME]', 'for exec: a node or a pod')
    .argument('[COMMAND...]', 'for exec, after --')
    .addOption(files().default(LAB_FILES))
    .addOption(
      new Option('--ground <GROUND>', 'where it runs; the best that this machine can do').choices([
        'vm',
        'host',
        'sim',
      ]),
    )
    .option('--keep', 'leave it running')
    .option('--nodes <N>', 'number of nodes', '2')
    .option(
      '--parent <NAME>',
      'parent interface of every node (default: the master that the files name)',
    )
    .option('--timeout <SECONDS>', 'give up after so long (default: 300)')
    .action(() =>
      call(async (context) => {
        const { runLab } = await import('#apps/lab/index.ts')
        return runLab(context.argv.slice(1), context)
      }),
    )
}
