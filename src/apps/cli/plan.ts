/**
 * `verbena plan`: the attachments that an ADD of a pod would make. The ADD
 * itself is run, over a simulated host and a store in memory; nothing of this
 * machine is touched.
 *
 * Spec: docs/reference/plan.md.
 * @module
 */
import { fail } from '#apps/failures.ts'
import type { Document, Records } from '#needs/records.ts'
import { KINDS } from '#schema/kinds.ts'
import { objectName } from '#values/admission.ts'
import {
  admissionErrorOf,
  admitAll,
  type Admitted,
  errorsOfTexts,
  type PlacedError,
} from './admission.ts'
import type { Context } from './context.ts'
import { planAttachments } from './plan-attachments.ts'
import type { Plan } from './plan-json.ts'
import type { PlanOptions } from './plan-options.ts'
import { findPod, type PodName } from './plan-pod.ts'
import { formatPlan } from './plan-text.ts'
import { errorLine, formatYaml } from './print.ts'
import { readSources } from './sources.ts'
import { type State, stateOf } from './state.ts'
import { listAll, withStore } from './store.ts'
import { readWorld, type WorldFile } from './world-file.ts'
import { foundObjects } from './world-objects.ts'

/** Exit status 1 when a document has an error or the pod would not be attached. */
export async function plan(options: PlanOptions, context: Context): Promise<number> {
  const pod = podNamed(options)
  const world = options.world === undefined ? undefined : await readWorld(options.world, context)
  const admitted = await admittedOf(options, world, context)
  const made = await planOf(pod, { options, world, context, admitted })
  const { attachments, warnings } = made
  const plan: Plan = { attachments, errors: made.errors.map(admissionErrorOf), warnings }
  const { output } = options
  if (output === 'json') context.stdout.write(`${JSON.stringify(plan, null, 2)}\n`)
  else if (output === 'yaml') {
    context.stdout.write(await formatYaml([JSON.parse(JSON.stringify(plan))]))
  } else {
    for (const text of plan.warnings) context.stderr.write(`Warning: ${text}\n`)
    for (const error of made.errors) context.stderr.write(errorLine(error))
    context.stdout.write(formatPlan(plan, `pod ${options.pod} on node ${options.node}`))
  }
  return plan.errors.length === 0 ? 0 : 1
}

type Around = {
  readonly options: PlanOptions
  readonly world: WorldFile | undefined
  readonly context: Context
  readonly admitted: Pick<Admitted, 'state' | 'warnings' | 'errors'>
}
type Made = Omit<Plan, 'errors'> & { readonly errors: readonly PlacedError[] }

async function planOf(name: PodName, around: Around): Promise<Made> {
  const { admitted } = around
  const found = findPod(name, admitted.state)
  if (found === undefined) {
    const object = objectName({ kind: 'Pod', ...name })
    const { message } = fail('plan-pod-missing', { pod: `${name.namespace}/${name.name}` })
    const missing = { object, reason: 'NotFound', field: '', message, where: object } as const
    const { warnings, errors } = admitted
    // one that was refused is told of already
    const isRefused = errors.some((one) => one.object.endsWith(`/${name.namespace}/${name.name}`))
    const all = isRefused ? errors : [...errors, missing]
    return { attachments: [], warnings, errors: all }
  }
  const planned = await planAttachments(found, around)
  return {
    attachments: planned.attachments,
    warnings: [...admitted.warnings, ...found.warnings, ...planned.warnings],
    errors: [...admitted.errors, ...planned.errors],
  }
}

/** A name alone is one of the namespace of the command. @throws {Failure} `command-invalid` */
function podNamed({ pod, namespace: own = 'default' }: PlanOptions): PodName {
  const [namespace = '', name = '', more] = pod.includes('/') ? pod.split('/') : [own, pod]
  if (namespace === '' || name === '' || more !== undefined) {
    throw fail('command-invalid', { reason: `--pod ${pod} is not NAMESPACE/NAME` })
  }
  return { namespace, name }
}

/** The store's documents, then a world's, then the files', each as an update of those before. */
async function admittedOf(
  options: PlanOptions,
  world: WorldFile | undefined,
  context: Context,
): Promise<Around['admitted']> {
  const stored = options.store === undefined ? stateOf([]) : await storedIn(options, context)
  const { documents, faults } = await readSources(options.filename ?? [], context)
  const found = [...foundObjects(world?.world.objects ?? []), ...documents]
  const namespace = options.namespace ?? 'default'
  const admitted = admitAll(found, stored, { namespace, takesStatus: true })
  return { ...admitted, errors: [...errorsOfTexts(faults), ...admitted.errors] }
}

async function storedIn(options: PlanOptions, context: Context): Promise<State> {
  const all = async (records: Records): Promise<Document[]> => {
    const each: Document[] = []
    for (const kind of KINDS) each.push(...(await listAll(kind, records)))
    return each
  }
  const { store = '' } = options
  return stateOf(await withStore({ options: { store }, context, opening: 'existing' }, all))
}
