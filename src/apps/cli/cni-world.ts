/**
 * A CNI call against a world: a simulated host that a file describes. Nothing
 * of this machine is touched; the world after the call is printed with the
 * result or the error.
 *
 * Spec: docs/reference/world.md; CNI 1.1.0, sections 4 and 5.
 * @module
 */
import { answerCall, type Foreign, recover, settleReleases } from '#attach/index.ts'
import { fail } from '#apps/failures.ts'
import type { CniCall } from '#wire/cni/request.ts'
import { admitAll } from './admission.ts'
import {
  type Answered,
  answered,
  type CniOptions,
  CONF_FOLDER,
  podOfCall,
  readCall,
} from './cni-call.ts'
import type { Context } from './context.ts'
import { networkName } from './network-name.ts'
import { stateOf } from './state.ts'
import { openWhatIf } from './what-if.ts'
import { optionalSource } from './sources.ts'
import { readWorld, worldInvalid, type WorldFile } from './world-file.ts'
import { worldAfter } from './world-after.ts'
import { foundObjects } from './world-objects.ts'
import { statusWithdrawn } from './world-status.ts'

/** What is printed: the exit status of the plugin, what it printed, and the world after. */
export type WorldAnswer = {
  readonly exit: 0 | 1
  /** Of a call that succeeded; null for a verb that prints nothing. */
  readonly result?: unknown
  /** The error object of one that did not. */
  readonly error?: unknown
  readonly world: unknown
}

/**
 * Exit status 0 whenever the call was carried out, whatever it came to.
 * @throws {Failure} `world-unreadable`, `world-invalid`; nothing was done
 */
export async function cniInWorld(
  file: string,
  options: CniOptions,
  context: Context,
): Promise<number> {
  const given = await readWorld(file, context)
  const call = await readCall(context)
  const answer = await answerInWorld(given, call, { options, context })
  context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  return 0
}

type Around = { readonly options: CniOptions; readonly context: Context }

async function answerInWorld(
  given: WorldFile,
  call: CniCall,
  { options, context }: Around,
): Promise<WorldAnswer> {
  const admitted = admittedObjects(given)
  await using whatIf = await openWhatIf({
    world: given.world,
    rows: rowsIn(given),
    state: admitted,
    pod: podOfCall(call),
    node: options.node ?? nodeIn(given) ?? 'node',
    clusterNetwork: networkName(options.clusterNetwork),
    confFolder: options.confDir ?? CONF_FOLDER,
    podResources: await optionalSource(options.podResources, context),
    nowMs: () => context.clock.nowMs(),
    seed: `${call.env['CNI_CONTAINERID']} ${call.env['CNI_IFNAME']} ${call.env['CNI_COMMAND']}`,
  })
  const { attach } = whatIf.verbs
  await recover(attach)
  const answer = await answered(call, (from) =>
    answerCall({ ...from, netnsId: whatIf.before.netns['host']?.id ?? '' }, whatIf.verbs, NOBODY),
  )
  await settleReleases(attach)
  await whatIf.verbs.published()
  if (call.env['CNI_COMMAND'] === 'DEL' && answer.exit === 0) {
    await statusWithdrawn(podOfCall(call), whatIf)
  }
  return { ...spoken(answer), world: await worldAfter(given, whatIf) }
}

function spoken({ exit, stdout }: Answered): Omit<WorldAnswer, 'world'> {
  const said: unknown = stdout === '' ? null : JSON.parse(stdout)
  return exit === 0 ? { exit, result: said } : { exit, error: said }
}

/** Nothing is executed in a world, so there is nothing to take back either. */
const NOBODY: Foreign = {
  async run({ type, env }) {
    if (env['CNI_COMMAND'] !== 'DEL') throw fail('world-foreign', { type })
    return { status: 0, stdout: '', stderr: '' }
  },
}

/** @throws {Failure} `world-invalid`, with the path of each fault */
function admittedObjects({ file, world }: WorldFile) {
  const found = foundObjects(world.objects ?? [])
  const options = { namespace: 'default', takesStatus: true }
  const { state, errors } = admitAll(found, stateOf([]), options)
  if (errors.length === 0) return state
  const faults = errors.map(({ where, field, message }) => ({
    field: field === '' ? where : `${where}.${field}`,
    message,
  }))
  throw worldInvalid(file, faults)
}

/** As they were printed: what read them may have put their keys in another order. */
function rowsIn({ raw }: WorldFile): readonly unknown[] {
  return Array.isArray(raw['journal']) ? raw['journal'] : []
}

/** The one Node among the objects, if there is one alone. */
function nodeIn({ world }: WorldFile): string | undefined {
  const nodes = foundObjects(world.objects ?? []).filter(({ document }) => document.kind === 'Node')
  const [first] = nodes
  const metadata = first?.document['metadata']
  if (nodes.length !== 1 || typeof metadata !== 'object' || metadata === null) return undefined
  return 'name' in metadata && typeof metadata.name === 'string' ? metadata.name : undefined
}
