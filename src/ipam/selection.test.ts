import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import type { Failure } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { DEFAULT_SETTINGS } from '#schema/spiderpool-settings.ts'
import { patternOf } from './glob.ts'
import { admitPool } from './pool.ts'
import { type Asking, choosePools } from './selection.ts'

function pool(name: string, spec: object = {}, metadata: object = {}): SpiderIpPool {
  const { document, faults } = admitPool(
    {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name, ...metadata },
      spec: { subnet: '10.1.0.0/24', ...spec },
    },
    { previous: undefined, others: [] },
  )
  deepEqual(faults, [])
  if (document === undefined) throw new TypeError(name)
  return document
}

function podWith(
  annotations: Record<string, string>,
  labels: Record<string, string> = {},
): Document {
  const metadata = { name: 'a', namespace: 'tenant', annotations, labels }
  return { apiVersion: 'v1', kind: 'Pod', metadata }
}

const WEB = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'tenant', name: 'web', uid: '' }

const ASKING: Asking = {
  owner: {
    pod: { namespace: 'tenant', name: 'a', uid: 'u' },
    network: 'net',
    containerId: 'c',
    ifName: parseIfName('eth0'),
  },
  pod: podWith({ 'v1.multus-cni.io/default-network': 'kube-system/ipoib' }, { app: 'ib' }),
  namespace: {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'tenant', labels: { team: 'hpc' } },
  },
  node: 'node-1',
  networkRef: undefined,
  clusterNetwork: undefined,
  nodeLabels: () => Promise.resolve({ rack: 'r1' }),
  application: () => Promise.resolve(WEB),
  masterAddresses: undefined,
}

/** Pools that are chosen for IPv4. */
async function choose(
  ipv4: readonly string[],
  { asking = ASKING, pools }: { asking?: Asking; pools: readonly SpiderIpPool[] },
): Promise<SpiderIpPool[]> {
  const candidates = { ipv4, ipv6: [], source: 'pod', cleanGateway: false }
  const chosen = await choosePools(candidates, { asking, pools, settings: DEFAULT_SETTINGS })
  return chosen.flatMap((one) => [...one.pools])
}

const JUDGED: readonly { does: string; spec?: object; metadata?: object; reason?: RegExp }[] = [
  { does: 'takes one without conditions' },
  { does: 'drops a disabled one', spec: { disable: true }, reason: /it is disabled/ },
  {
    does: 'drops a terminating one',
    metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    reason: /it is terminating/,
  },
  { does: 'drops one of the other family', spec: { subnet: 'fd00::/64' }, reason: /no IPv4 pool/ },
  { does: 'takes one for this node', spec: { nodeName: ['node-2', 'node-1'] } },
  {
    does: 'drops one for another node',
    spec: { nodeName: ['node-2'] },
    reason: /not for node node-1/,
  },
  {
    does: 'takes one that selects this node',
    spec: { nodeAffinity: { matchLabels: { rack: 'r1' } } },
  },
  {
    does: 'drops one that selects another',
    spec: { nodeAffinity: { matchLabels: { rack: 'r2' } } },
    reason: /not for node node-1/,
  },
  {
    does: 'lets nodeName override nodeAffinity',
    spec: { nodeName: ['node-1'], nodeAffinity: { matchLabels: { rack: 'r2' } } },
  },
  { does: 'takes one for this namespace', spec: { namespaceName: ['tenant'] } },
  {
    does: 'drops one for another namespace',
    spec: { namespaceName: ['default'] },
    reason: /not for namespace tenant/,
  },
  {
    does: 'takes one that selects this namespace',
    spec: { namespaceAffinity: { matchLabels: { team: 'hpc' } } },
  },
  {
    does: 'takes one that selects this namespace by its name',
    spec: { namespaceAffinity: { matchLabels: { 'kubernetes.io/metadata.name': 'tenant' } } },
  },
  {
    does: 'drops one that selects another namespace',
    spec: { namespaceAffinity: { matchLabels: { team: 'web' } } },
    reason: /not for namespace tenant/,
  },
  { does: 'takes one that selects the pod', spec: { podAffinity: { matchLabels: { app: 'ib' } } } },
  {
    does: 'drops one that selects another pod',
    spec: { podAffinity: { matchLabels: { app: 'web' } } },
    reason: /podAffinity does not select the pod/,
  },
  { does: 'takes one for this network', spec: { multusName: ['kube-system/ipoib'] } },
  { does: 'takes one for this network without its namespace', spec: { multusName: ['ipoib'] } },
  {
    does: 'drops one of another application',
    metadata: { labels: { 'ipam.spidernet.io/owner-application-name': 'db' } },
    spec: { podAffinity: { matchLabels: { 'ipam.spidernet.io/app-name': 'db' } } },
    reason: /it is not for Deployment tenant\/web/,
  },
  {
    does: 'takes one of the application, whatever its network',
    metadata: { labels: { 'ipam.spidernet.io/owner-application-name': 'web' } },
    spec: {
      podAffinity: { matchLabels: { 'ipam.spidernet.io/app-name': 'web' } },
      multusName: ['x/y'],
    },
  },
  {
    does: 'drops one for another network',
    spec: { multusName: ['tenant/ipoib'] },
    reason: /not for network kube-system\/ipoib/,
  },
]

for (const { does, spec, metadata, reason } of JUDGED) {
  test(`choosePools() ${does}`, async () => {
    // admission would not let a terminating pool in: it was there before
    const made = pool('p', spec)
    const pools = [{ ...made, metadata: { ...made.metadata, ...metadata } }]
    const chosen = choose(['p'], { pools })
    if (reason === undefined) return equal((await chosen).length, 1)
    return rejects(chosen, (failure: Failure) => {
      equal(failure.code, 'pool-none')
      match(failure.message, reason)
      return true
    })
  })
}

test('choosePools() tells every reason when no pool is left', async () => {
  const pools = [pool('a', { disable: true }), pool('b', { nodeName: ['x'] })]
  await rejects(choose(['a', 'b'], { pools }), {
    message:
      'Cannot allocate for eth0: no IPPool available: ' +
      'a: it is disabled; b: it is not for node node-1',
  })
})

test('choosePools() tries narrower pools first, equals in the order written', async () => {
  const pools = [
    pool('z'),
    pool('a'),
    pool('net', { multusName: ['ipoib'] }),
    pool('node', { nodeName: ['node-1'] }),
    pool('pod', { podAffinity: { matchLabels: { app: 'ib' } } }),
    pool('space', { namespaceName: ['tenant'], multusName: ['ipoib'] }),
  ]
  const names = ['z', 'a', 'net', 'space', 'node', 'pod']
  const chosen = await choose(names, { pools })
  deepEqual(
    chosen.map(({ metadata }) => metadata.name),
    ['pod', 'node', 'space', 'net', 'z', 'a'],
  )
})

test('choosePools() asks for the labels of the node only where a pool selects nodes', async () => {
  const asking = { ...ASKING, nodeLabels: () => Promise.reject(new Error('asked')) }
  await choose(['p'], { asking, pools: [pool('p')] })
  const pools = [pool('p', { nodeAffinity: { matchLabels: { rack: 'r1' } } })]
  await rejects(choose(['p'], { asking, pools }), /asked/)
})

for (const { pattern, yes, no } of [
  { pattern: 'rail*', yes: ['rail', 'rail0-v4'], no: ['a-rail'] },
  { pattern: 'rail?-v4', yes: ['rail0-v4'], no: ['rail10-v4', 'rail-v4'] },
  { pattern: 'rail[0-3]', yes: ['rail0', 'rail3'], no: ['rail4', 'rail[0-3]'] },
  { pattern: 'rail[^0-3]', yes: ['rail4'], no: ['rail0'] },
  { pattern: 'a.b*', yes: ['a.b', 'a.bc'], no: ['axb'] },
  { pattern: 'a[', yes: [], no: ['a', 'ab'] },
  { pattern: 'v4-*-(x)+', yes: ['v4-1-(x)+'], no: ['v4-1-x'] },
]) {
  test(`patternOf(${pattern}) matches as a shell does`, () => {
    const matches = patternOf(pattern)
    deepEqual(
      yes.filter((name) => !matches(name)),
      [],
    )
    deepEqual(no.filter(matches), [])
  })
}

const asksMaster = (addresses: readonly string[] | undefined): Asking => ({
  ...ASKING,
  masterAddresses: () => Promise.resolve(addresses?.map(parseIp)),
})

test('choosePools() wants an address of the parent in the pool, besides its network', async () => {
  const pools = [pool('p', { multusName: ['ipoib'] })]
  equal((await choose(['p'], { asking: asksMaster(['10.2.0.1', '10.1.0.1']), pools })).length, 1)
  await rejects(choose(['p'], { asking: asksMaster(['10.2.0.1']), pools }), {
    message: /p: the parent has no address in 10\.1\.0\.0\/24/,
  })
  await rejects(choose(['p'], { asking: asksMaster(undefined), pools }), {
    message: /p: the addresses of the parent are not known/,
  })
})

test('choosePools() asks the node for the default network where the pod names none', async () => {
  const pools = [pool('p', { multusName: ['ipoib'] })]
  const asking = { ...ASKING, pod: podWith({}) }
  await rejects(choose(['p'], { asking, pools }), { message: /that of eth0 is not known/ })
  const known = { ...asking, clusterNetwork: 'kube-system/ipoib' }
  equal((await choose(['p'], { asking: known, pools })).length, 1)
  const told = { ...asking, networkRef: 'kube-system/ipoib' }
  equal((await choose(['p'], { asking: told, pools })).length, 1)
  equal((await choose(['p'], { asking, pools: [pool('p')] })).length, 1)
})

const FAMILIES = { ipv4: ['a'], ipv6: ['b'], source: 'pod', cleanGateway: false }
const both = [pool('a', { disable: true }), pool('b', { subnet: 'fd00::/64', disable: true })]
test('choosePools() tells the reasons of both families', async () => {
  const given = { asking: ASKING, pools: both, settings: DEFAULT_SETTINGS }
  await rejects(choosePools(FAMILIES, given), {
    message: /a: it is disabled; b: it is disabled/,
  })
})

test('choosePools() leaves a family out that is off, silently', async () => {
  const pools = [both[0], pool('b', { subnet: 'fd00::/64' })].filter((one) => one !== undefined)
  const settings = { ...DEFAULT_SETTINGS, enableIPv4: false }
  const chosen = await choosePools(FAMILIES, { asking: ASKING, pools, settings })
  deepEqual(
    chosen.map(({ family }) => family),
    [6],
  )
  const only = { ...FAMILIES, ipv6: [] }
  await rejects(choosePools(only, { asking: ASKING, pools, settings }), {
    message: /no IPPool available: IPv4 is disabled/,
  })
})

test('choosePools() names patterns that match nothing, and leaves the family out', async () => {
  const pools = [pool('v6', { subnet: 'fd00::/64' })]
  const settings = DEFAULT_SETTINGS
  const some = { ...FAMILIES, ipv4: ['rail*'], ipv6: ['v?'] }
  equal((await choosePools(some, { asking: ASKING, pools, settings })).length, 1)
  await rejects(choose(['rail*', 'x[0-9]'], { pools }), {
    message: 'Cannot allocate from pool rail*, x[0-9] (IPv4): there is none',
  })
})

test('choosePools() takes a pool that several names mean once', async () => {
  const pools = [pool('rail1'), pool('rail0')]
  const chosen = await choose(['rail0', 'rail*'], { pools })
  deepEqual(
    chosen.map(({ metadata }) => metadata.name),
    ['rail0', 'rail1'],
  )
})
