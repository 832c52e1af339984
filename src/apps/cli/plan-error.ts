/**
 * Why an ADD would be refused, in the form of admission errors: the document
 * that is to be changed, the field, and what is so.
 * @module
 */
import { POD_ANNOTATION } from '#network/index.ts'
import type { AdmissionReason } from '#values/admission.ts'
import { type Failure, failureIn, textOfThrown } from '#values/failure.ts'
import type { PlacedError } from './admission.ts'

/** Codes that are about the pod's list of networks. */
const OF_NETWORKS: readonly string[] = [
  'network-annotation-invalid',
  'network-isolated',
  'nad-missing',
  'interface-asked-twice',
]
const REASONS: Readonly<Record<number, AdmissionReason>> = {
  400: 'Invalid',
  404: 'NotFound',
  422: 'Invalid',
}

/**
 * One error for each problem that was found; `pod` is `Pod/namespace/name`.
 * Throws what no failure describes: a defect.
 */
export function planErrorOf(thrown: unknown, pod: string): PlacedError[] {
  const failure = failureIn(thrown)
  if (failure === undefined) throw thrown
  const { details } = failure
  const of = placeOf(failure, pod)
  const reason = REASONS[failure.row.http] ?? 'Forbidden'
  const also: readonly unknown[] = Array.isArray(details['also']) ? details['also'] : []
  return [textOfThrown(failure), ...also.map(String)].map((message) => ({
    ...of,
    reason,
    message,
    where: of.object,
  }))
}

function placeOf({ code, details }: Failure, pod: string): { object: string; field: string } {
  const { nad, annotation, field } = details
  if (typeof nad === 'string') {
    return { object: `NetworkAttachmentDefinition/${nad}`, field: 'spec.config' }
  }
  if (typeof annotation === 'string') {
    return { object: pod, field: `metadata.annotations[${annotation}]` }
  }
  if (OF_NETWORKS.includes(code)) {
    return { object: pod, field: `metadata.annotations[${POD_ANNOTATION.networks}]` }
  }
  return { object: pod, field: typeof field === 'string' ? field : '' }
}
