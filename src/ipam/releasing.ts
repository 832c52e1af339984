/**
 * DEL, or the undo of an ADD: every address that was reserved is freed, kept
 * for the next pod of its name, or handed back to who had it before.
 *
 * Spec: Spiderpool's release; fixed addresses of StatefulSets and machines.
 * Better than upstream on purpose: the pod may live, and nothing is kept silently.
 * @module
 */
import type { Owner } from '#values/owner.ts'
import type { Stored } from '#needs/records.ts'
import { again } from './again.ts'
import { fieldOf } from './allocation.ts'
import { staysKept } from './allocation-state.ts'
import { type Releasing, handBack, keep, recordHeldBy } from './giving-back.ts'
import type { Held } from './ipam.ts'
import { comesAgain } from './keeping.ts'
import { endPool } from './pool-end.ts'
import type { Reserving } from './reserving.ts'

type HeldAllocation = Extract<Held, { held: 'allocation' }>

/** Who gives back, and whether the ADD had failed: then nothing stays that was not kept before. */
export type Leaving = { readonly owner: Owner; readonly failed: boolean }

/** @returns what is not free all the same, and why */
export async function releaseAll(
  held: readonly Held[],
  leaving: Leaving,
  at: Reserving,
): Promise<string[]> {
  const notes: string[] = []
  const all = held.filter((one) => one.held === 'allocation')
  for (const one of all) {
    const note = await again(() => giveUp(one, leaving, at))
    if (note !== undefined) notes.push(note)
  }
  return notes
}

async function giveUp(
  one: HeldAllocation,
  { owner, failed }: Leaving,
  at: Reserving,
): Promise<string | undefined> {
  const { home } = at.allocator
  const known = home.view.get(one.name)
  const isPlain = known?.uid === one.uid && known.containerId === owner.containerId && known.plain
  if (isPlain) return freeFor(owner, { ...one, podName: owner.pod?.name ?? '' }, at)
  const record = await recordHeldBy(owner, one, home)
  if (record === undefined || (await handBack(record, home))) return undefined
  if ((!failed || staysKept(record)) && (await isToStay(record, at))) {
    await keep(record, home)
    const [address, controller] = [fieldOf(record, 'address'), fieldOf(record, 'controller')]
    const name = `${fieldOf(record, 'podNamespace')}/${fieldOf(record, 'podName')}`
    return `${address} stays with ${name} (${owner.ifName}): ${controller} makes it again`
  }
  const { name, uid } = record.metadata
  const [pool, podName] = [fieldOf(record, 'pool'), fieldOf(record, 'podName')]
  return freeFor(owner, { name, uid, pool, podName }, at)
}

async function freeFor(
  { pod, ifName }: Owner,
  { podName, ...one }: Releasing & { readonly podName: string },
  { allocator, endpoints, needs }: Reserving,
): Promise<undefined> {
  if (pod !== undefined) {
    const place = { namespace: pod.namespace, name: podName }
    await endpoints.drop(place, { uid: pod.uid, ifName })
  }
  await allocator.free(one)
  await endPool(one.pool, needs.records)
}

async function isToStay(record: Stored, at: Reserving): Promise<boolean> {
  const controller = fieldOf(record, 'controller')
  if (controller === '') return false
  const [namespace, name] = [fieldOf(record, 'podNamespace'), fieldOf(record, 'podName')]
  const settings = await at.settings.settings()
  return comesAgain({ controller, namespace, name }, { records: at.needs.records, settings })
}
