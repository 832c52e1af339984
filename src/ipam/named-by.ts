/**
 * Who named the pools that gave no address: the annotation of the pod or of its
 * namespace, or the configuration of the network. A failure says it, so that
 * people know what to change.
 * @module
 */
import { Failure } from '#values/failure.ts'
import { type Candidates, POOL_ANNOTATION } from './annotation.ts'
import type { Asking } from './selection.ts'
import { wishKeyOf } from './subnet-annotation.ts'

const OF_POOLS: readonly string[] = ['pool-missing', 'pool-none', 'pool-exhausted']

/** Runs `work`; a failure about pools tells `annotation`, or the network as `nad`. */
export async function sayingWho<T>(
  by: { readonly candidates: Candidates; readonly asking: Asking },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof Failure) || !OF_POOLS.includes(cause.code)) throw cause
    const { code, details, row, cause: first } = cause
    const who = whoNamed(by, details['family'])
    throw new Failure({ code, details: { ...who, ...details }, row, cause: first })
  }
}

function whoNamed(
  { candidates, asking }: { readonly candidates: Candidates; readonly asking: Asking },
  family: unknown,
): Readonly<Record<string, string | undefined>> {
  switch (candidates.source) {
    case 'namespace':
      return { annotation: family === 6 ? POOL_ANNOTATION.ipv6 : POOL_ANNOTATION.ipv4 }
    case 'network':
      return asking.networkRef?.includes('/') === true ? { nad: asking.networkRef } : {}
    case 'subnet':
      return { annotation: wishKeyOf(asking.pod?.metadata.annotations ?? {}) }
    default:
      return { annotation: candidates.annotation }
  }
}
