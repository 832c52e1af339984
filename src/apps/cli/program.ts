/**
 * The tree of commands: names, options, one real example each. Making it has
 * no effect; what a command does is loaded when it is called, so that
 * `verbena version` starts fast.
 * @module
 */
import { Argument, Command, Option } from 'commander'
import { AGENT_OPTIONS } from '#apps/agent-options.ts'
import type { Context, OutputOptions, StatusOptions, StoreOptions, Task } from './context.ts'

/** Takes the command that was chosen. */
export type Call = (task: Task) => Promise<void>

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
  addRunning(program, call)
  return program
}

/** `summary` for the list of commands, the rest for its own page. */
type Text = { readonly summary: string; readonly more?: string; readonly example: string }

function command(program: Command, name: string, { summary, more, example }: Text): Command {
  const sentences = [`${summary}.`, ...(more === undefined ? [] : [more])].join('\n')
  return program
    .command(name)
    .summary(summary)
    .description(`${sentences}\n\nExample:\n  ${example}`)
}

const files = (): Option =>
  new Option('-f, --filename <FILE...>', 'files of documents, YAML or JSON; - is standard input')
const store = (): Option =>
  new Option(
    '--store <FILE>',
    'store of this machine (default: VERBENA_STORE, else /var/lib/verbena/store.db)',
  )
const statusSocket = (): Option =>
  new Option(
    '--status-socket <FILE>',
    'status socket of an agent (default: VERBENA_STATUS_SOCKET, else /run/verbena/status.sock)',
  )
const namespace = (): Option => new Option('-n, --namespace <NS>', 'namespace (default: default)')
const output = (...formats: string[]): Option =>
  new Option('-o, --output <FORMAT>', 'how to print it').choices(formats)

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
  command(program, 'check', {
    summary: 'Prove that addresses are held once, by pods that exist, inside their pools',
    more: 'Exit status 1 when something is found; each finding comes with what mends it.',
    example: 'verbena check --store /var/lib/verbena/store.db',
  })
    .addOption(store())
    .addOption(statusSocket())
    .addOption(output('json'))
    .action((options: Named) =>
      call(async (context) => (await import('./check.ts')).check(options, context)),
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
