import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { type Failure, failureIn } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { poolsOfPod } from './annotation.ts'
import { patternOf } from './glob.ts'
import { admitPool } from './pool.ts'
import { networkOfInterface, placeOf } from './pod-network.ts'
import { type Asking, choosePools } from './selection.ts'
import { selects } from './selector.ts'

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
  nodeLabels: () => Promise.resolve({ rack: 'r1' }),
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
    const chosen = choosePools(['p'], 4, { asking: ASKING, pools })
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
  await rejects(choosePools(['a', 'b'], 4, { asking: ASKING, pools }), {
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
  const chosen = await choosePools(names, 4, { asking: ASKING, pools })
  deepEqual(
    chosen.map(({ metadata }) => metadata.name),
    ['pod', 'node', 'space', 'net', 'z', 'a'],
  )
})

test('choosePools() asks for the labels of the node only where a pool selects nodes', async () => {
  const asking = { ...ASKING, nodeLabels: () => Promise.reject(new Error('asked')) }
  await choosePools(['p'], 4, { asking, pools: [pool('p')] })
  const pools = [pool('p', { nodeAffinity: { matchLabels: { rack: 'r1' } } })]
  await rejects(choosePools(['p'], 4, { asking, pools }), /asked/)
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

for (const { does, selector, labels, is } of [
  { does: 'everything when empty', selector: {}, labels: {}, is: true },
  {
    does: 'equal labels',
    selector: { matchLabels: { a: '1', b: '2' } },
    labels: { a: '1', b: '2' },
    is: true,
  },
  { does: 'not a missing label', selector: { matchLabels: { a: '1' } }, labels: {}, is: false },
  { does: 'In', selector: one('In', ['1', '2']), labels: { a: '2' }, is: true },
  { does: 'not In without the label', selector: one('In', ['1']), labels: {}, is: false },
  { does: 'NotIn without the label', selector: one('NotIn', ['1']), labels: {}, is: true },
  { does: 'not NotIn with it', selector: one('NotIn', ['1']), labels: { a: '1' }, is: false },
  { does: 'Exists', selector: one('Exists'), labels: { a: '' }, is: true },
  { does: 'DoesNotExist', selector: one('DoesNotExist'), labels: {}, is: true },
  { does: 'not DoesNotExist with it', selector: one('DoesNotExist'), labels: { a: '' }, is: false },
]) {
  test(`selects() ${does}`, () => equal(selects(selector, labels), is))
}

function one(operator: string, values?: string[]) {
  return { matchExpressions: [{ key: 'a', operator, ...(values && { values }) }] }
}

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
for (const { does, networks, ifName, is } of [
  { does: 'by position', networks: 'a, other/b', ifName: 'net2', is: 'other/b' },
  { does: 'by its interface', networks: 'a@ib0,b', ifName: 'ib0', is: 'tenant/a' },
  {
    does: 'in the JSON form',
    networks: '[{"name":"a","namespace":"x","interface":"ib0"}]',
    ifName: 'ib0',
    is: 'x/a',
  },
  {
    does: 'of several lines',
    networks: '[\n {"name":"a"},\n {"name":"b"}\n]',
    ifName: 'net2',
    is: 'tenant/b',
  },
  { does: 'not where there is none', networks: 'a', ifName: 'net2', is: undefined },
  { does: 'not in what cannot be read', networks: '[{]', ifName: 'net1', is: undefined },
]) {
  test(`networkOfInterface() finds the network ${does}`, () => {
    equal(networkOfInterface(podWith({ [NETWORKS]: networks }), ifName), is)
  })
}

test('placeOf() counts interfaces as Multus does', () => {
  const pod = podWith({ [NETWORKS]: 'a,b@ib7,c' })
  deepEqual(
    ['eth0', 'net1', 'ib7', 'net3', 'net9', 'x'].map((name) => placeOf(pod, name)),
    [0, 1, 2, 3, 9, undefined],
  )
})

const EACH = 'ipam.spidernet.io/ippools'
for (const { does, text, ifName = 'eth0', reason, ipv4 } of [
  {
    does: 'by name',
    text: '[{"interface":"net1","ipv4":["b"]},{"interface":"eth0","ipv4":["a"]}]',
    ipv4: ['a'],
  },
  { does: 'by place', text: '[{"ipv4":["a"]},{"ipv4":["b"]}]', ifName: 'net1', ipv4: ['b'] },
  { does: 'and refuses an empty list', text: '[]', reason: /no list of interfaces/ },
  { does: 'and refuses an object', text: '{}', reason: /no list of interfaces/ },
  { does: 'and refuses null', text: '[null]', reason: /an item is no object/ },
  {
    does: 'and refuses names on some only',
    text: '[{"interface":"eth0","ipv4":["a"]},{"ipv4":["b"]}]',
    reason: /some do not/,
  },
  {
    does: 'and refuses an interface twice',
    reason: /eth0 is there twice/,
    text: '[{"interface":"eth0","ipv4":["a"]},{"interface":"eth0","ipv4":["b"]}]',
  },
  {
    does: 'and refuses an interface that is not listed',
    text: '[{"interface":"net1","ipv4":["a"]}]',
    reason: /eth0 is not in it/,
  },
  {
    does: 'and refuses a pool twice',
    text: '[{"ipv4":["a","a"]}]',
    reason: /pool a is there twice/,
  },
  { does: 'and refuses a name that is none', text: '[{"ipv4":[5]}]', reason: /a name is empty/ },
  { does: 'and refuses no pool', text: '[{"ipv4":[]}]', reason: /names no pool/ },
]) {
  test(`poolsOfPod() reads ippools ${does}`, () => {
    const pod = podWith({ [EACH]: text, 'ipam.spidernet.io/ippool': '{"ipv4":["never"]}' })
    if (reason === undefined) return deepEqual(poolsOfPod(pod, ifName)?.ipv4, ipv4)
    return throws(
      () => poolsOfPod(pod, ifName),
      (thrown) => {
        const failure = failureIn(thrown)
        equal(failure?.code, 'pool-annotation-invalid')
        match(failure?.message ?? '', reason)
        return true
      },
    )
  })
}

test('poolsOfPod() reads keys in any case, and cleanGateway', () => {
  const pod = podWith({
    'ipam.spidernet.io/ippool': '{"IPV4":["a"],"ipv6":["b"],"cleanGateway":true,"x":1}',
  })
  deepEqual(poolsOfPod(pod, 'eth0'), {
    ipv4: ['a'],
    ipv6: ['b'],
    source: 'pod',
    cleanGateway: true,
  })
  equal(poolsOfPod(podWith({}), 'eth0'), undefined)
})
