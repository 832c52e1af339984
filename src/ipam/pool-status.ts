/**
 * Addresses that a pool brings along as held: the roll-up in its status, as a
 * cluster of Spiderpool writes it, as the records that we keep.
 *
 * Spec: SpiderIPPool `status.allocatedIPs`, JSON text: address → `pod`
 * (`namespace/name`) and `podUid`. It names no interface; the first is taken.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { parseJson } from '#values/json-text.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { allocationOf } from './allocation.ts'
import { readOr } from './text-fault.ts'

const FIRST_INTERFACE = parseIfName('eth0')

/** One record for each held address; what cannot be read is nobody's. */
export function allocationsInStatus(raw: unknown): Document[] {
  const read = readSpiderIpPool(raw)
  const text = read.ok ? (read.value.status?.allocatedIPs ?? '') : ''
  const held = text === '' ? undefined : readOr(() => parseJson(text)).value
  if (!read.ok || !isJsonObject(held)) return []
  const pool = read.value.metadata.name
  return Object.entries(held).flatMap(([address, by]) => {
    const ip = readOr(() => parseIp(address)).value
    if (ip === undefined || !isJsonObject(by)) return []
    const [namespace = '', name = ''] = textOf(by['pod']).split('/')
    const pod = { namespace, name, uid: textOf(by['podUid']) }
    const owner = { pod, network: '', containerId: '', ifName: FIRST_INTERFACE }
    return [allocationOf(ip, { owner, pool, node: '' })]
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
