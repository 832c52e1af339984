/**
 * What the annotations of a pod ask for, by their place in it.
 * @module
 */
import type { Failure } from '#values/failure.ts'
import { type NetworkSelection, readNetworks } from './annotation.ts'
import { fail } from './failures.ts'
import { POD_ANNOTATION } from './network-annotation.ts'

type Asking = {
  readonly namespace: string
  readonly annotations: Readonly<Record<string, string>>
}
/** A default network of the pod's own; with a problem there is none. */
export type DefaultSelection = {
  readonly selection: NetworkSelection | undefined
  readonly problems: readonly Failure[]
}

/** Undefined when the pod names none; one that names it must name exactly one. */
export function readDefault(
  { annotations }: Asking,
  multusNamespace: string,
): DefaultSelection | undefined {
  const text = annotations[POD_ANNOTATION.defaultNetwork]
  if (text === undefined) return undefined
  const { selections, problems } = readNetworks(text, { defaultNamespace: multusNamespace })
  const [selection] = selections
  if (problems.length > 0) return { selection: undefined, problems }
  if (selections.length === 1) return { selection, problems }
  const many = selections.length > 1
  const what = many
    ? 'more than one default network is specified'
    : 'no default network is specified'
  const details = { text: `tryLoadK8sPodDefaultNetwork: ${what}`, item: text }
  return { selection: undefined, problems: [fail('network-annotation-invalid', details)] }
}

/** One for each network in its order: what it asks for, or what is wrong with it. */
export function readOthers({ namespace, annotations }: Asking): (NetworkSelection | Failure)[] {
  const text = annotations[POD_ANNOTATION.networks] ?? ''
  if (text === '') return []
  const { selections, problems } = readNetworks(text, { defaultNamespace: namespace })
  let wrong = 0
  const read = selections.flatMap((one) => one ?? problems[wrong++] ?? [])
  return [...read, ...problems.slice(wrong)]
}
