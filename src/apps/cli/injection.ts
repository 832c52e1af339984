/**
 * Pods among documents as the pod webhook would leave them. It looks at all
 * documents together: a network may stand behind the pod that asks for it.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { injectNetworks, type InjectionAround } from '#network/index.ts'
import {
  DEFAULT_INJECTION_CONF,
  type InjectionConf,
  readInjectionConf,
  SPIDERPOOL_CONF,
} from '#schema/injection-conf.ts'
import { pod as podSchema } from '#schema/pod.ts'
import { spiderMultusConfig } from '#schema/spider-multus-config.ts'
import { isRecord, readWith, type z } from '#schema/zod.ts'
import { type AdmissionError, type FieldFault, objectName } from '#values/admission.ts'
import { SMC } from './derived.ts'
import { documentsOf, keyOf, type State, withDocument } from './state.ts'

export type InjectedPods = {
  /** With the pods as they would be stored; a pod that is refused is left as it was. */
  readonly state: State
  readonly errors: readonly (AdmissionError & { readonly key: string })[]
  readonly warnings: readonly string[]
}

const CORE = { apiVersion: 'v1' } as const

/** `written` are the keys of the documents that are looked at. */
export function injectPods(state: State, written: readonly string[]): InjectedPods {
  const { conf, errors } = confIn(state)
  const configs = documentsOf(state, SMC).flatMap((one) => readOr(spiderMultusConfig, one))
  const start: InjectedPods = { state, errors, warnings: [] }
  return written.reduce((before, key) => {
    const document = state.get(key)
    if (document === undefined) return before
    const of = { configs, conf, namespace: namespaceOf(document, state) }
    const take = document.kind === 'Pod' ? withPod : withTemplate
    return take(before, document, of)
  }, start)
}

function withPod(before: InjectedPods, document: Document, around: InjectionAround): InjectedPods {
  const [read] = readOr(podSchema, document)
  if (read === undefined) return before
  const { pod, faults } = injectNetworks(read, around)
  if (faults.length > 0) {
    return { ...before, errors: [...before.errors, ...faults.map((one) => errorOf(document, one))] }
  }
  return pod === read ? before : { ...before, state: withDocument(before.state, pod) }
}

/** A workload is stored as it is; its pods are refused later, so that is said now. */
function withTemplate(
  before: InjectedPods,
  document: Document,
  around: InjectionAround,
): InjectedPods {
  const spec = fieldsOf(document['spec'])
  const job = fieldsOf(fieldsOf(spec['jobTemplate'])['spec'])
  const template = fieldsOf(spec['template'] ?? job['template'])
  if (template['spec'] === undefined) return before
  const metadata = {
    ...fieldsOf(template['metadata']),
    name: document.metadata.name,
    namespace: document.metadata.namespace,
  }
  const [read] = readOr(podSchema, { ...CORE, kind: 'Pod', metadata, spec: template['spec'] })
  if (read === undefined) return before
  const texts = injectNetworks(read, around).faults.map(
    ({ field, message }) => `${objectOf(document)}: its pods will be refused: ${field}: ${message}`,
  )
  return { ...before, warnings: [...before.warnings, ...texts] }
}

type Conf = { readonly conf: InjectionConf; readonly errors: InjectedPods['errors'] }

function confIn(state: State): Conf {
  const found = documentsOf(state, { ...CORE, kind: 'ConfigMap' }).find(
    ({ metadata }) => metadata.name === SPIDERPOOL_CONF,
  )
  if (found === undefined) return { conf: DEFAULT_INJECTION_CONF, errors: [] }
  const read = readInjectionConf(found)
  if (read.ok) return { conf: read.value, errors: [] }
  return { conf: DEFAULT_INJECTION_CONF, errors: read.faults.map((one) => errorOf(found, one)) }
}

function namespaceOf({ metadata }: Document, state: State): Document | undefined {
  if (metadata.namespace === undefined) return undefined
  return state.get(keyOf({ ...CORE, kind: 'Namespace', metadata: { name: metadata.namespace } }))
}

function errorOf(document: Document, fault: FieldFault): InjectedPods['errors'][number] {
  return { object: objectOf(document), ...fault, key: keyOf(document) }
}

function objectOf({ kind, metadata: { namespace, name } }: Document): string {
  return objectName({ kind, namespace, name })
}

function readOr<T>(schema: z.ZodType<T>, raw: unknown): T[] {
  const read = readWith(schema, raw)
  return read.ok ? [read.value] : []
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
