/**
 * Pools and subnets that are terminating go by themselves once nothing hangs on
 * them: a pool with its last address, a subnet with its last pool.
 *
 * Spec: Spiderpool, finalizer of SpiderIPPool and SpiderSubnet.
 * @module
 */
import type { Document, Records, Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { SPIDER_SUBNET_KIND } from '#schema/spider-subnet.ts'
import { isRecord } from '#schema/zod.ts'
import { allocationsOf, fieldOf } from './allocation.ts'

/** Removes a terminating pool that holds no address any more, and then its subnet. */
export async function endPool(name: string, records: Records): Promise<boolean> {
  const pool = await records.get(refOf(POOL_KIND, name))
  if (pool?.metadata.deletionTimestamp === undefined) return false
  const { items } = await records.list(allocationsOf({ pool: name }))
  if (items.some((item) => fieldOf(item, 'pool') === name)) return false
  await remove(pool, records)
  const owner = pool.metadata.ownerReferences?.find(({ kind }) => kind === SPIDER_SUBNET_KIND)
  if (owner !== undefined) await endSpiderSubnet(owner.name, records)
  return true
}

/** Removes a terminating subnet that has no pool any more. */
export async function endSpiderSubnet(name: string, records: Records): Promise<boolean> {
  const subnet = await records.get(refOf(SPIDER_SUBNET_KIND, name))
  if (subnet?.metadata.deletionTimestamp === undefined) return false
  const { items } = await records.list({ apiVersion: SPIDER_API_VERSION, kind: POOL_KIND })
  if (items.some((pool) => cidrOf(pool) === cidrOf(subnet))) return false
  await remove(subnet, records)
  return true
}

function cidrOf({ spec }: Document): unknown {
  return isRecord(spec) ? spec['subnet'] : undefined
}

/** Another may have removed it, or made one of its name anew. */
async function remove({ apiVersion, kind, metadata }: Stored, records: Records): Promise<void> {
  const ref = { apiVersion, kind, namespace: undefined, name: metadata.name }
  try {
    await records.delete(ref, { uid: metadata.uid })
  } catch (cause) {
    if (failureIn(cause)?.code !== 'record-conflict') throw cause
  }
}

function refOf(kind: string, name: string) {
  return { apiVersion: SPIDER_API_VERSION, kind, namespace: undefined, name }
}
