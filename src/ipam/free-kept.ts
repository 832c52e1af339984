/**
 * Frees addresses that were kept for pods that will not come again: those of a
 * StatefulSet beyond its replicas, of one that is gone, of a machine that is gone.
 * @module
 */
import type { Records, Stored } from '#needs/records.ts'
import { DEFAULT_SETTINGS, type Settings, isSettings } from '#schema/spiderpool-settings.ts'
import { allocationRef, allocationsOf, fieldOf } from './allocation.ts'
import { isKept } from './allocation-state.ts'
import { comesAgain } from './keeping.ts'
import { endPool } from './pool-end.ts'

/** @returns the addresses that are free by now */
export async function freeKept(records: Records): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  const kept = items.filter(isKept)
  if (kept.length === 0) return []
  const settings = await settingsNow(records)
  const freed: string[] = []
  for (const one of kept) {
    const name = fieldOf(one, 'podName')
    const of = { controller: fieldOf(one, 'controller'), namespace: fieldOf(one, 'podNamespace') }
    if (await comesAgain({ ...of, name }, { records, settings })) continue
    if (await free(one, records)) freed.push(fieldOf(one, 'address'))
  }
  return freed
}

async function free(one: Stored, records: Records): Promise<boolean> {
  const { name, uid } = one.metadata
  const gone = await records.delete(allocationRef(name), { uid })
  const namespace = fieldOf(one, 'podNamespace')
  const endpoint = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint' }
  await records.delete({ ...endpoint, namespace, name: fieldOf(one, 'podName') })
  await endPool(fieldOf(one, 'pool'), records)
  return gone
}

async function settingsNow(records: Records): Promise<Settings> {
  const { items } = await records.list({ apiVersion: 'v1', kind: 'ConfigMap' })
  const configMap = items.find(isSettings)
  if (configMap === undefined) return DEFAULT_SETTINGS
  // the YAML library is loaded only where there is something to read
  const { readSettings } = await import('#schema/settings-text.ts')
  return readSettings(configMap).settings
}
