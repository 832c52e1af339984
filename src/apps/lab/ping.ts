/**
 * Pings between the pods of a run, every pair both ways; nothing may be lost.
 * @module
 */
import { fail } from '#apps/failures.ts'
import { type Lab, show } from './lab.ts'
import type { RunningPod } from './pods.ts'

const COUNT = 3
/** Seconds for an answer after the last request. */
const WAIT_SECONDS = 2

/** @throws {Failure} `lab-ping-lost`, with the parent that has no carrier where that is why */
export async function pingAll(lab: Lab, pods: readonly RunningPod[]): Promise<void> {
  if (lab.cut) await lab.ground.cut()
  const pairs = pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })))
  if (pairs.length === 0) lab.voice.say('There is one pod: nobody to ping.')
  for (const { from, to } of pairs) {
    for (const ip of to.added.ips) await pingOne(lab, from, ip.split('/')[0] ?? ip)
  }
}

async function pingOne(lab: Lab, { bound }: RunningPod, to: string): Promise<void> {
  const pod = bound.pod.metadata.name
  const words = ['ping', '-c', String(COUNT), '-W', String(WAIT_SECONDS), to]
  const { status, text } = await show(lab, { at: 'pod', name: pod }, words)
  const loss = lossIn(text)
  if (status === 0 && loss === 0) return
  const without = await lab.ground.withoutCarrier()
  const why = without.length === 0 ? '' : `; without a carrier: ${without.join(', ')}`
  const lost = loss === undefined ? text.trim().split('\n').at(-1) : `${loss} % packet loss`
  throw fail('lab-ping-lost', { to, pod, lost, why })
}

/** Percents lost, by ping's summary; undefined when it has none. */
export function lossIn(text: string): number | undefined {
  const found = /([0-9.]+)% packet loss/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
