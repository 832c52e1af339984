/**
 * The pools of a history, and how they change while addresses are held: grown,
 * shrunk by what nobody holds, disabled, deleted and made again.
 * @module
 */
import { fieldOf } from '#ipam/index.ts'
import type { Stored } from '#needs/records.ts'
import { pool } from '#test/scenarios/documents.ts'
import type { MemoryRecords } from './memory-records.ts'

/** Few addresses, so that they are exhausted and come back. */
export const POOLS = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.105'),
  pool('v6', 'fd07::/64', 'fd07::100-fd07::105'),
]

const CHOICES = {
  v4: ['10.7.0.100-10.7.0.105', '10.7.0.100-10.7.0.109', '10.7.0.100-10.7.0.102'],
  v6: ['fd07::100-fd07::105', 'fd07::100-fd07::109', 'fd07::100-fd07::102'],
} as const

/** As admission lets it: what is held stays in its pool, and a pool that holds stays. */
export async function changePools(choice: number, records: MemoryRecords): Promise<void> {
  const name = choice % 2 === 0 ? 'v4' : 'v6'
  const found = [...records.all()].find(
    (one) => one.kind === 'SpiderIPPool' && one.metadata.name === name,
  )
  const original = POOLS.find(({ metadata }) => metadata.name === name)
  if (original === undefined) return
  if (found === undefined) return void (await records.create(original))
  const held = [...records.all()].filter(
    (one) => one.kind === 'Allocation' && fieldOf(one, 'pool') === name,
  )
  const way = (choice >> 1) % 8
  if (way === 0 && held.length === 0) {
    const { apiVersion, kind } = found
    await records.delete({ apiVersion, kind, namespace: undefined, name })
    return
  }
  await records.replace(changed(found, way, held.length > 0))
}

function changed(found: Stored, way: number, isHeld: boolean): Stored {
  const spec = Object(found['spec'])
  const name = found.metadata.name === 'v4' ? 'v4' : 'v6'
  if (way === 1) return { ...found, spec: { ...spec, disable: spec.disable !== true } }
  const ips = CHOICES[name][way === 2 && !isHeld ? 2 : 1]
  return { ...found, spec: { ...spec, ips: [ips], disable: false } }
}
