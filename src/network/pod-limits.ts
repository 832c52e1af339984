/**
 * Resources that a pod needs, written into its first container.
 *
 * Spec: Kubernetes core/v1 ResourceRequirements; amounts are texts.
 * @module
 */
import type { Pod } from '#schema/pod.ts'
import { isRecord } from '#schema/zod.ts'

type Counts = ReadonlyMap<string, number>
type Container = Pod['spec']['containers'][number]

/** A resource that some container has in its limits already is left as it is, everywhere. */
export function withLimits(
  pod: Pod,
  { limits, requests }: { readonly limits: Counts; readonly requests: Counts },
): Pod {
  const [first, ...others] = pod.spec.containers
  if (first === undefined) return pod
  const had = new Set(pod.spec.containers.flatMap((one) => Object.keys(part(one, 'limits'))))
  const missing = (counts: Counts): [string, string][] =>
    [...counts].filter(([name]) => !had.has(name)).map(([name, count]) => [name, String(count)])
  const [more, asked] = [missing(limits), missing(requests)]
  if (more.length + asked.length === 0) return pod
  const resources = {
    ...(isRecord(first['resources']) ? first['resources'] : {}),
    limits: { ...part(first, 'limits'), ...Object.fromEntries(more) },
    ...(asked.length === 0
      ? {}
      : { requests: { ...part(first, 'requests'), ...Object.fromEntries(asked) } }),
  }
  return { ...pod, spec: { ...pod.spec, containers: [{ ...first, resources }, ...others] } }
}

function part(container: Container, name: 'limits' | 'requests'): Record<string, unknown> {
  const resources = container['resources']
  const found = isRecord(resources) ? resources[name] : undefined
  return isRecord(found) ? found : {}
}
