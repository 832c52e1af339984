/**
 * Why an ADD would be refused, in the form of admission errors: the document
 * that is to be changed, the field, and what is so.
 * @module
 */
import { POD_ANNOTATION, problemsIn } from '#network/index.ts'
import { type AdmissionReason, objectName } from '#values/admission.ts'
import { type Failure, failureIn, textOfThrown } from '#values/failure.ts'
import type { PlacedError } from './admission.ts'

/** What is planned, as far as it is known. */
export type PlanPlace = {
  readonly pod: { readonly namespace: string; readonly name: string }
  /** `namespace/name` of the network whose attachment would be refused. */
  readonly network?: string | undefined
  /** Whether that is the default network by annotation of the pod. */
  readonly isOwnDefault?: boolean
}

/** Codes that are about the pod's list of networks, or what it asks of one. */
const OF_NETWORKS: readonly string[] = [
  'network-annotation-invalid',
  'network-isolated',
  'nad-missing',
  'interface-asked-twice',
  'default-route-twice',
  'device-asked-twice',
  'mac-argument-invalid',
  'address-requested-invalid',
  'address-not-available',
  'address-is-gateway',
  'address-taken',
  'addresses-left-over',
]
/** Codes that are about the pod as a whole. */
const OF_POD: readonly string[] = ['pod-not-alive']
/** Annotations of the pod's namespace. */
const OF_NAMESPACE = /^ipam\.spidernet\.io\/default-ipv[46]-ippool$/
const REASONS: Readonly<Record<number, AdmissionReason>> = {
  400: 'Invalid',
  404: 'NotFound',
  422: 'Invalid',
}

/**
 * One error for each problem that was found.
 * Throws what no failure describes: a defect.
 */
export function planErrorOf(thrown: unknown, place: PlanPlace): PlacedError[] {
  const failure = failureIn(thrown)
  if (failure === undefined) throw thrown
  return problemsIn(failure).map((problem) => {
    const of = placeOf(problem, place)
    const reason = REASONS[problem.row.http] ?? 'Forbidden'
    return { ...of, reason, message: textOfThrown(problem), where: of.object }
  })
}

function placeOf({ code, details }: Failure, place: PlanPlace): { object: string; field: string } {
  const { nad, annotation, field } = details
  const { namespace } = place.pod
  const pod = objectName({ kind: 'Pod', ...place.pod })
  const network = typeof nad === 'string' ? nad : undefined
  if (network !== undefined) return ofNetwork(network)
  if (typeof annotation === 'string') {
    const isWide = OF_NAMESPACE.test(annotation)
    const object = isWide
      ? objectName({ kind: 'Namespace', namespace: undefined, name: namespace })
      : pod
    return { object, field: annotated(annotation) }
  }
  const own = typeof field === 'string' ? field : ''
  if (OF_NETWORKS.includes(code) && own === '') {
    const { networks, defaultNetwork } = POD_ANNOTATION
    return {
      object: pod,
      field: annotated(place.isOwnDefault === true ? defaultNetwork : networks),
    }
  }
  if (OF_POD.includes(code) || place.network?.includes('/') !== true) {
    return { object: pod, field: own }
  }
  return ofNetwork(place.network)
}

function ofNetwork(name: string): { object: string; field: string } {
  return { object: `NetworkAttachmentDefinition/${name}`, field: 'spec.config' }
}

function annotated(annotation: string): string {
  return `metadata.annotations[${annotation}]`
}
