/**
 * CNI_ARGS: `K=V;K=V`. Read liberally: unknown keys, empty values and a last
 * semicolon are fine; keys keep their case.
 *
 * Spec: CNI 1.1.0, section 2 (CNI_ARGS); Kubernetes runtimes send
 * `IgnoreUnknown=1;K8S_POD_NAMESPACE=…;K8S_POD_NAME=…;K8S_POD_INFRA_CONTAINER_ID=…;K8S_POD_UID=…`.
 * @module
 */
import type { PodRef } from '#values/owner.ts'

/** Pairs by key; the last of equal keys wins. */
export type CniArgs = ReadonlyMap<string, string>

/** Never throws. */
export function parseCniArgs(text: string): CniArgs {
  const args = new Map<string, string>()
  for (const pair of text.split(';')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals < 0) args.set(pair, '')
    else args.set(pair.slice(0, equals), pair.slice(equals + 1))
  }
  return args
}

/** The first pair that is not `K=V`, as the reference library has it; undefined when all are. */
export function invalidPair(text: string): string | undefined {
  return text.split(';').find((pair) => pair !== '' && pair.split('=').length !== 2)
}

/** The pod that a Kubernetes runtime names; undefined unless all three parts are there. */
export function podOfArgs(args: CniArgs): PodRef | undefined {
  const [namespace, name, uid] = ['K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_UID'].map((key) =>
    args.get(key),
  )
  return namespace && name && uid ? { namespace, name, uid } : undefined
}
