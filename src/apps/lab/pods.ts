/**
 * Scheduler and kubelet, as far as the lab plays them: a Pod record for each
 * node, ADD by the shim, the container's process, the status.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { fail } from '#apps/failures.ts'
import type { Stored } from '#needs/records.ts'
import type { Added, Bound } from './ground.ts'
import { type Lab, MACHINE, show } from './lab.ts'
import { updateStatus } from './registry.ts'
import { randomLetters } from './run.ts'
import { commandOf, podOfDaemonSet, runningStatus } from './workload.ts'

/** A pod that has its addresses and its process. */
export type RunningPod = {
  readonly bound: Bound
  readonly added: Extract<Added, { readonly added: true }>
}

/** @throws {Failure} `lab-pod-refused`, with what its ADD was answered */
export async function runPods(lab: Lab, sets: readonly Stored[]): Promise<readonly RunningPod[]> {
  const pods: RunningPod[] = []
  for (const set of sets) {
    for (const { name: node } of lab.nodes) {
      const document = podOfDaemonSet(set, { node, suffix: randomLetters(5) })
      if (document === undefined) continue
      const pod = await lab.records.create(document)
      pods.push(await runPod(lab, { pod, node, containerId: randomBytes(32).toString('hex') }))
    }
  }
  return pods
}

async function runPod(lab: Lab, bound: Bound): Promise<RunningPod> {
  const { ground, voice, records } = lab
  const { pod, node } = bound
  const { name } = pod.metadata
  voice.progress(`pod ${name} on ${node}`)
  const added = await ground.attach(bound)
  if (!added.added) throw fail('lab-pod-refused', { pod: name, node, reason: added.reason })
  const ips = added.ips.join(' ')
  voice.say(`pod ${name} on ${node}: CNI ADD gave eth0 ${ips} in ${added.ms.toFixed(1)} ms`)
  const { log, startedAt } = await ground.start(bound, commandOf(pod))
  await updateStatus(records, pod, runningStatus(pod, { ips: added.ips, startedAt }))
  if (log !== undefined) await show(lab, MACHINE, ['cat', log])
  return { bound, added }
}
