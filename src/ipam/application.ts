/**
 * Who a pod belongs to: the controller at the top, or the pod itself.
 *
 * Spec: Kubernetes owner references; a ReplicaSet of a Deployment and a Job of
 * a CronJob are not at the top.
 * @module
 */
import type { Document, Records } from '#needs/records.ts'

export type Application = {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Empty where it is not known. */
  readonly uid: string
}

/** Controllers that others stand above, at most so many. */
const MOST_STEPS = 4

/** `apps/v1` → group `apps`, version `v1`; the core group is empty. */
export function groupOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const [first = '', second] = apiVersion.split('/')
  return second === undefined ? { group: '', version: first } : { group: first, version: second }
}

/** The application at the top of a pod; a controller that no store knows is the top. */
export async function applicationOf(
  pod: Document,
  records: Pick<Records, 'get'>,
): Promise<Application> {
  const { namespace = 'default' } = pod.metadata
  let document: Document | undefined = pod
  let top = selfOf(pod, namespace)
  for (let step = 0; step < MOST_STEPS && document !== undefined; step++) {
    const owner: NonNullable<Document['metadata']['ownerReferences']>[number] | undefined =
      document.metadata.ownerReferences?.find(({ controller }) => controller === true)
    if (owner === undefined) return top
    const { apiVersion, kind, name, uid } = owner
    top = { apiVersion, kind, namespace, name, uid }
    document = await records.get({ apiVersion, kind, namespace, name })
    if (document === undefined) return deploymentOf(pod, top) ?? top
  }
  return top
}

/** Above a ReplicaSet that no store knows, by the hash that its name and its pods share. */
function deploymentOf(pod: Document, { kind, name, namespace, ...rest }: Application) {
  const hash = pod.metadata.labels?.['pod-template-hash'] ?? ''
  if (kind !== 'ReplicaSet' || hash === '' || !name.endsWith(`-${hash}`)) return undefined
  const own = name.slice(0, -hash.length - 1)
  return { ...rest, kind: 'Deployment', namespace, name: own, uid: '' }
}

/** A document as an application. */
export function selfOf({ apiVersion, kind, metadata }: Document, namespace: string): Application {
  return { apiVersion, kind, namespace, name: metadata.name, uid: metadata.uid ?? '' }
}
