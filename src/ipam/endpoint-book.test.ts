import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Records } from '#needs/records.ts'
import { readSpiderEndpoint } from '#schema/spider-endpoint.ts'
import { V4 } from '#test/ipam/pool-specs.ts'
import { asking, world } from '#test/ipam/spiderpool-world.ts'

const ENDPOINTS = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint' }

async function lookAt(records: Records) {
  const { items, resourceVersion } = await records.list(ENDPOINTS)
  const read = readSpiderEndpoint(items[0])
  const interfaces = read.ok ? read.value.status.current.ips.map((one) => one.interface) : []
  return { interfaces, revision: Number(resourceVersion) }
}

test('interfaces that come in one turn are one write', async () => {
  await using at = await world({ v4: V4 })
  const names = ['eth0', 'net1', 'net2', 'net3']
  const asked = names.map((ifName) => asking(at.ipam, { ifName }))
  for (const one of asked) await at.ipam.reserve(one)
  const before = await lookAt(at.records)
  await at.settle()
  const after = await lookAt(at.records)
  deepEqual(after.interfaces, names)
  equal(after.revision - before.revision, 1)
})

test('one that was given back meanwhile is left out, and the others are written', async () => {
  await using at = await world({ v4: V4 })
  const asked = ['eth0', 'net1', 'net2'].map((ifName) => asking(at.ipam, { ifName }))
  for (const one of asked) await at.ipam.reserve(one)
  const [, second] = asked
  if (second !== undefined) await at.ipam.release({ ...second, held: undefined })
  await at.settle()
  deepEqual((await lookAt(at.records)).interfaces, ['eth0', 'net2'])
})
