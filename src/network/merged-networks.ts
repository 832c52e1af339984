/**
 * The network annotation of a pod with more networks behind its own, each once,
 * in the form that the pod wrote it: the short one or JSON.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3, section 4.1.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import type { Document } from '#needs/records.ts'
import { invalid } from '#schema/fault.ts'
import { readNetworks } from './annotation.ts'
import { readJson } from './json.ts'
import { POD_ANNOTATION } from './network-annotation.ts'

export type Merged =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: FieldFault }

/** `names` are `namespace/name`. A pod whose own annotation is wrong is refused. */
export function mergedNetworks(
  { namespace = '', annotations }: Document['metadata'],
  names: readonly string[],
): Merged {
  const text = annotations?.[POD_ANNOTATION.networks] ?? ''
  if (text.trim() === '') return { ok: true, text: names.join(',') }
  const { selections, problems } = readNetworks(text, { defaultNamespace: namespace })
  const [problem] = problems
  if (problem !== undefined) {
    const detail = `annotation ${POD_ANNOTATION.networks}: ${problem.message}`
    return { ok: false, fault: invalid('metadata.annotations', text, detail) }
  }
  const own = selections.map((one) => `${one?.namespace}/${one?.name}`)
  const added = names.filter((name) => !own.includes(name))
  if (added.length === 0) return { ok: true, text }
  const read = /[[{"]/.test(text) ? readJson(text) : undefined
  if (read?.ok !== true || !Array.isArray(read.value)) {
    return { ok: true, text: [text, ...added].join(',') }
  }
  const elements = added.map((one) => {
    const [inNamespace, name] = one.split('/')
    return { name, namespace: inNamespace }
  })
  return { ok: true, text: JSON.stringify([...read.value, ...elements]) }
}
