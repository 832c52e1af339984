/**
 * What to do with a run that was kept.
 * @module
 */
import type { RunningPod } from './pods.ts'
import { type Run, netnsName, storeOf } from './run.ts'

/** Five commands to look around with, and the one that ends the run. */
export function keptText(run: Run, pods: readonly RunningPod[]): string {
  const [first, second = first] = pods
  const name = first?.bound.pod.metadata.name ?? ''
  const other = second?.added.ips[0]?.split('/')[0] ?? ''
  const inside = `ip netns exec ${netnsName(run, name)}`
  const store = `--store ${storeOf(run)}`
  return [
    '',
    `Run ${run.id} goes on. To look around:`,
    `    ${inside} ip a`,
    `    ${inside} ping ${other}`,
    `    bin/verbena get pod -A -o wide ${store}`,
    `    bin/verbena get allocations ${store}`,
    `    tail -f ${run.folder}/${first?.bound.node ?? ''}/agent.log`,
    'To end it:',
    `    bin/verbena lab end ${run.id}`,
  ].join('\n')
}
