import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { addressOfName, allocationName, allocationOf } from './allocation.ts'
import { checkAllocations } from './check.ts'
import { admitPool } from './pool.ts'

const { document: pool } = admitPool(
  {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'v4' },
    spec: { subnet: '10.1.0.0/24', ips: ['10.1.0.10-10.1.0.19'] },
  },
  { previous: undefined, others: [] },
)

function held(ip: string, podName = 'a', name = 'v4'): Document {
  const pod = { namespace: 'default', name: podName, uid: `uid-${podName}` }
  const owner = { pod, network: 'net', containerId: 'c', ifName: parseIfName('eth0') }
  return allocationOf(parseIp(ip), { owner, pool: name, node: 'node-1' })
}

const PODS: Document[] = ['a', 'b'].map((name) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
}))

const other = held('10.1.0.11')
for (const { does, allocations, known = true, is } of [
  {
    does: 'nothing where all is well',
    allocations: [held('10.1.0.10'), held('10.1.0.19', 'b')],
    is: [],
  },
  {
    does: 'an address outside its pool',
    allocations: [held('10.1.0.20')],
    is: ['Allocation/10.1.0.20: it is outside the addresses of pool v4'],
  },
  {
    does: 'a pool that is gone',
    allocations: [held('10.1.0.10', 'a', 'old')],
    is: ['Allocation/10.1.0.10: its pool old does not exist'],
  },
  {
    does: 'a pod that is gone',
    allocations: [held('10.1.0.10', 'z')],
    is: ['Allocation/10.1.0.10: pod default/z (eth0) with UID uid-z does not exist'],
  },
  {
    does: 'nobody missing where pods are not known',
    allocations: [held('10.1.0.10', 'z')],
    known: false,
    is: [],
  },
  {
    does: 'an interface with two addresses of a pool',
    allocations: [held('10.1.0.10'), held('10.1.0.11')],
    is: ['Allocation/10.1.0.11: default/a (eth0) holds 10.1.0.10 of the same pool too'],
  },
  {
    does: 'a record under another name than its address',
    allocations: [{ ...other, metadata: { ...other.metadata, name: '10.1.0.12' } }],
    is: ['Allocation/10.1.0.12: it holds 10.1.0.11, which is not its name'],
  },
  {
    does: 'a name that is no address',
    allocations: [{ ...other, metadata: { ...other.metadata, name: 'x' } }],
    is: ['Allocation/x: its name is no address; it holds 10.1.0.11'],
  },
]) {
  test(`checkAllocations() finds ${does}`, () => {
    const pools = pool === undefined ? [] : [pool]
    const found = checkAllocations({
      allocations,
      pools,
      pods: known ? PODS : undefined,
      endpoints: [],
      uses: [],
      nodes: new Set(),
      busy: new Set(),
      live: undefined,
    })
    deepEqual(
      found.map(({ object, what }) => `${object}: ${what}`),
      is,
    )
    deepEqual(
      found.map(({ mend }) => mend),
      found.map(({ object }) => `verbena delete allocation ${object.slice(11)}`),
    )
  })
}

test('allocationName() and addressOfName() agree', () => {
  for (const [ip, name] of [
    ['172.91.0.112', '172.91.0.112'],
    ['fd00::1', 'fd00-0-0-0-0-0-0-1'],
    ['::', '0-0-0-0-0-0-0-0'],
    ['fd00:1:2:3:4:5:6:7', 'fd00-1-2-3-4-5-6-7'],
  ] as const) {
    deepEqual([allocationName(parseIp(ip)), addressOfName(name)], [name, ip])
  }
})

test('labels of an allocation are legal whatever the names are', () => {
  const long = 'a'.repeat(200)
  const { metadata } = allocationOf(parseIp('10.1.0.10'), {
    owner: {
      pod: undefined,
      network: long,
      containerId: 'f'.repeat(64),
      ifName: parseIfName('a@ö'),
    },
    pool: long,
    node: `${'b'.repeat(60)}.example`,
  })
  const values = Object.values(metadata.labels ?? {})
  deepEqual(
    values.filter((v) => !/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(v)),
    [],
  )
})
