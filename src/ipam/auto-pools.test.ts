import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { DEFAULT_SETTINGS } from '#schema/spiderpool-settings.ts'
import { autoPoolsFor, autoPoolsOf } from './auto-pools.ts'
import { podsOfWorkload } from './workload-pods.ts'

const UID = '1b2c3d4e-0000-1111-2222-fcca4aaaaaaa'
const SUBNET = 'ipam.spidernet.io/subnet'
const SUBNETS = 'ipam.spidernet.io/subnets'
const COUNT = 'ipam.spidernet.io/ippool-ip-number'
const RECLAIM = 'ipam.spidernet.io/ippool-reclaim'

function subnet(name: string, spec: object): Document {
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderSubnet' }
  return { ...kind, metadata: { name }, spec }
}
const GROUND = {
  settings: DEFAULT_SETTINGS,
  subnets: [
    subnet('s', { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.29'] }),
    subnet('s6', { ipVersion: 6, subnet: 'fd00::/64', ips: ['fd00::1-fd00::ffff:ffff'] }),
  ],
  pools: [] as unknown[],
  reserved: [] as unknown[],
  nodes: 2,
}

type Wanted = { apiVersion?: string; kind?: string; spec?: object; metadata?: object }

function workload(annotations: Record<string, string>, of: Wanted = {}): Document {
  const { apiVersion = 'apps/v1', kind = 'Deployment', spec = { replicas: 3 }, metadata } = of
  const template = { metadata: { annotations }, spec: { containers: [] } }
  const placed =
    kind === 'CronJob' ? { jobTemplate: { spec: { ...spec, template } } } : { template }
  return {
    apiVersion,
    kind,
    metadata: { name: 'web', namespace: 'default', uid: UID, ...metadata },
    spec: { ...spec, ...placed },
  }
}

const ONE = { [SUBNET]: '{"ipv4":["s"]}' }
/** Names and addresses of what follows. */
const made = (annotations: Record<string, string>, of: Wanted = {}, ground: object = {}) => {
  const { pools, faults } = autoPoolsOf(workload(annotations, of), { ...GROUND, ...ground })
  deepEqual(faults, [])
  return pools.map(({ metadata, spec }) => `${metadata.name} ${(spec.ips ?? []).join(',')}`)
}

for (const { does, annotations, of, ground, is } of [
  { does: 'gives one more address than there are pods', is: ['10.6.0.10-10.6.0.13'] },
  {
    does: 'counts as the settings say',
    ground: { settings: { ...DEFAULT_SETTINGS, clusterSubnetDefaultFlexibleIPNumber: 0 } },
    is: ['10.6.0.10-10.6.0.12'],
  },
  { does: 'takes a fixed number', annotations: { [COUNT]: '7' }, is: ['10.6.0.10-10.6.0.16'] },
  { does: 'takes pods and some more', annotations: { [COUNT]: '+2' }, is: ['10.6.0.10-10.6.0.14'] },
  {
    does: 'counts a workload without replicas as one',
    of: { spec: {} },
    is: ['10.6.0.10-10.6.0.11'],
  },
  {
    does: 'leaves out what others have and what is reserved',
    ground: {
      pools: [
        {
          apiVersion: 'spiderpool.spidernet.io/v2beta1',
          kind: 'SpiderIPPool',
          metadata: { name: 'p' },
          spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.11'] },
        },
      ],
      reserved: [
        {
          apiVersion: 'spiderpool.spidernet.io/v2beta1',
          kind: 'SpiderReservedIP',
          metadata: { name: 'r' },
          spec: { ipVersion: 4, ips: ['10.6.0.13'] },
        },
      ],
    },
    is: ['10.6.0.10,10.6.0.12,10.6.0.14-10.6.0.15'],
  },
] as const) {
  test(`autoPoolsOf() ${does}`, () => {
    const all: Record<string, string> = { ...ONE, ...annotations }
    deepEqual(
      made(all, of, ground),
      is.map((ips) => `auto4-web-eth0-fcca4 ${ips}`),
    )
  })
}

test('autoPoolsOf() makes a pool of each interface and family, keys in any case', () => {
  const text = '[{"Interface":"eth0","IPv4":["s"],"ipv6":["s6"]},{"interface":"net1","ipv4":["s"]}]'
  deepEqual(made({ [SUBNETS]: text, [COUNT]: '2' }), [
    'auto4-web-eth0-fcca4 10.6.0.10-10.6.0.11',
    'auto6-web-eth0-fcca4 fd00::1-fd00::2',
    'auto4-web-net1-fcca4 10.6.0.12-10.6.0.13',
  ])
})

test('autoPoolsOf() says whose the pool is in labels and podAffinity', () => {
  const annotations = { ...ONE, [RECLAIM]: 'false' }
  const [pool] = autoPoolsOf(workload(annotations), GROUND).pools
  deepEqual(pool?.metadata.labels, {
    'ipam.spidernet.io/owner-spider-subnet': 's',
    'ipam.spidernet.io/owner-application-gv': 'apps_v1',
    'ipam.spidernet.io/owner-application-kind': 'Deployment',
    'ipam.spidernet.io/owner-application-namespace': 'default',
    'ipam.spidernet.io/owner-application-name': 'web',
    'ipam.spidernet.io/owner-application-uid': UID,
    'ipam.spidernet.io/interface': 'eth0',
    'ipam.spidernet.io/ip-version': 'IPv4',
    'ipam.spidernet.io/ippool-reclaim': 'false',
  })
  deepEqual(pool?.spec.podAffinity, {
    matchLabels: {
      'ipam.spidernet.io/app-api-group': 'apps',
      'ipam.spidernet.io/app-api-version': 'v1',
      'ipam.spidernet.io/app-kind': 'Deployment',
      'ipam.spidernet.io/app-namespace': 'default',
      'ipam.spidernet.io/app-name': 'web',
    },
  })
  if (pool !== undefined) equal(autoPoolsFor(workload(annotations), [pool]).length, 1)
})

test('autoPoolsOf() grows a pool by the lowest free, and shrinks it from its end', () => {
  const [pool] = autoPoolsOf(workload({ ...ONE, [COUNT]: '3' }), GROUND).pools
  const scaled = (count: string, status: object = {}) =>
    made({ ...ONE, [COUNT]: count }, {}, { pools: [{ ...pool, status }] })
  deepEqual(scaled('5'), ['auto4-web-eth0-fcca4 10.6.0.10-10.6.0.14'])
  deepEqual(scaled('1'), ['auto4-web-eth0-fcca4 10.6.0.10'])
  const held = { allocatedIPs: '{"10.6.0.12":{"pod":"default/web-1","podUid":"u"}}' }
  deepEqual(scaled('2', held), ['auto4-web-eth0-fcca4 10.6.0.10,10.6.0.12'])
  deepEqual(scaled('1', held), ['auto4-web-eth0-fcca4 10.6.0.12'])
})

for (const { apiVersion = 'apps/v1', kind, spec, status, pods } of [
  { kind: 'Deployment', spec: { replicas: 0 }, pods: 0 },
  { kind: 'ReplicaSet', spec: { replicas: 2 }, pods: 2 },
  { kind: 'StatefulSet', spec: {}, pods: 1 },
  { kind: 'DaemonSet', spec: {}, pods: 2 },
  { kind: 'DaemonSet', spec: {}, status: { desiredNumberScheduled: 5 }, pods: 5 },
  { apiVersion: 'batch/v1', kind: 'Job', spec: {}, pods: 1 },
  { apiVersion: 'batch/v1', kind: 'Job', spec: { parallelism: 4 }, pods: 4 },
  { apiVersion: 'batch/v1', kind: 'Job', spec: { parallelism: 4, completions: 6 }, pods: 6 },
  { apiVersion: 'batch/v1', kind: 'Job', spec: { completions: 0 }, pods: 1 },
  { apiVersion: 'batch/v1', kind: 'CronJob', spec: { parallelism: 3 }, pods: 3 },
  {
    apiVersion: 'apps.kruise.io/v1alpha1',
    kind: 'CloneSet',
    spec: { replicas: 3 },
    pods: undefined,
  },
]) {
  test(`podsOfWorkload() counts ${kind} ${JSON.stringify(spec)} as ${pods ?? 'unknown'}`, () => {
    const one = { ...workload({}, { apiVersion, kind, spec }), status }
    equal(podsOfWorkload(one, 2), pods)
  })
}

test('a workload of another vendor has as many addresses as it says', () => {
  const of = { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet' }
  deepEqual(made({ ...ONE, [COUNT]: '4' }, of), ['auto4-web-eth0-fcca4 10.6.0.10-10.6.0.13'])
})

const TEMPLATE = 'spec.template.metadata.annotations'
type Wrong = {
  does: string
  annotations: Record<string, string>
  of?: Wanted
  settings?: object
  is: readonly [reason: string, field: string, text: RegExp]
}
const WRONG: readonly Wrong[] = [
  {
    does: 'text that is no JSON',
    annotations: { [SUBNET]: '{' },
    is: ['Invalid', `${TEMPLATE}[${SUBNET}]`, /"\{".*not JSON/],
  },
  {
    does: 'a list for one interface',
    annotations: { [SUBNET]: '[]' },
    is: ['Invalid', `${TEMPLATE}[${SUBNET}]`, /no object/],
  },
  {
    does: 'an object for several',
    annotations: { [SUBNETS]: '{}' },
    is: ['Invalid', `${TEMPLATE}[${SUBNETS}]`, /no list of interfaces/],
  },
  {
    does: 'an item without its interface',
    annotations: { [SUBNETS]: '[{"ipv4":["s"]}]' },
    is: ['Invalid', `${TEMPLATE}[${SUBNETS}]`, /names no interface/],
  },
  {
    does: 'an interface twice',
    annotations: {
      [SUBNETS]: '[{"interface":"eth0","ipv4":["s"]},{"interface":"eth0","ipv4":["s"]}]',
    },
    is: ['Invalid', `${TEMPLATE}[${SUBNETS}]`, /eth0 is there twice/],
  },
  {
    does: 'no subnet',
    annotations: { [SUBNET]: '{"ipv4":[]}' },
    is: ['Invalid', `${TEMPLATE}[${SUBNET}]`, /names no subnet/],
  },
  {
    does: 'a subnet that there is not',
    annotations: { [SUBNET]: '{"ipv4":["x"]}' },
    is: ['Invalid', `${TEMPLATE}[${SUBNET}]`, /"x": there is no such SpiderSubnet/],
  },
  {
    does: 'a subnet of the other family',
    annotations: { [SUBNET]: '{"ipv4":["s6"]}' },
    is: ['Invalid', `${TEMPLATE}[${SUBNET}]`, /"s6": that SpiderSubnet is no IPv4 one/],
  },
  {
    does: 'a number that is none',
    annotations: { ...ONE, [COUNT]: '-1' },
    is: ['Invalid', `${TEMPLATE}[${COUNT}]`, /"-1"/],
  },
  {
    does: 'a reclaim that is no claim',
    annotations: { ...ONE, [RECLAIM]: 'yes' },
    is: ['Invalid', `${TEMPLATE}[${RECLAIM}]`, /"yes"/],
  },
  {
    does: 'more addresses than there are',
    annotations: { ...ONE, [COUNT]: '21' },
    is: ['Forbidden', `${TEMPLATE}[${SUBNET}]`, /free IPs not enough: .* s has 20 left, 21 wanted/],
  },
  {
    does: 'another vendor without a number',
    annotations: ONE,
    of: { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet' },
    is: ['Required', `${TEMPLATE}[${COUNT}]`, /CloneSet needs a fixed number/],
  },
  {
    does: 'another vendor with a flexible number',
    annotations: { ...ONE, [COUNT]: '+1' },
    of: { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet' },
    is: ['Invalid', `${TEMPLATE}[${COUNT}]`, /fixed number/],
  },
  {
    does: 'its template in a CronJob',
    annotations: { [SUBNET]: '{' },
    of: { apiVersion: 'batch/v1', kind: 'CronJob', spec: {} },
    is: ['Invalid', `spec.jobTemplate.${TEMPLATE}[${SUBNET}]`, /not JSON/],
  },
  {
    does: 'automatic pools that are off',
    annotations: ONE,
    settings: { enableAutoPoolForApplication: false },
    is: ['Forbidden', `${TEMPLATE}[${SUBNET}]`, /disabled/],
  },
]
for (const { does, annotations, of, settings, is } of WRONG) {
  test(`autoPoolsOf() refuses ${does}`, () => {
    const ground = { ...GROUND, settings: { ...DEFAULT_SETTINGS, ...settings } }
    const { pools, faults } = autoPoolsOf(workload(annotations, of), ground)
    const [fault] = faults
    deepEqual([pools.length, faults.length, fault?.reason, fault?.field], [0, 1, is[0], is[1]])
    match(fault?.message ?? '', is[2])
  })
}

test('autoPoolsOf() refuses a pod without a controller, and looks at no other', () => {
  const metadata = { name: 'a', namespace: 'default', annotations: ONE }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: {} }
  const [fault] = autoPoolsOf(pod, GROUND).faults
  deepEqual([fault?.reason, fault?.field], ['Forbidden', `metadata.annotations[${SUBNET}]`])
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'u', controller: true }
  const owned = { ...pod, metadata: { ...metadata, ownerReferences: [owner] } }
  deepEqual(autoPoolsOf(owned, GROUND), { pools: [], faults: [], asked: false })
})

test('autoPoolsOf() does nothing with subnets off, or where nothing is asked for', () => {
  const settings = { ...DEFAULT_SETTINGS, enableSpiderSubnet: false }
  equal(autoPoolsOf(workload(ONE), { ...GROUND, settings }).asked, false)
  equal(autoPoolsOf(workload({}), GROUND).asked, false)
})

test('a family that is off has no pool', () => {
  const settings = { ...DEFAULT_SETTINGS, enableIPv6: false }
  const text = '{"ipv4":["s"],"ipv6":["s6"]}'
  equal(autoPoolsOf(workload({ [SUBNET]: text }), { ...GROUND, settings }).pools.length, 1)
})
