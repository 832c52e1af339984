/**
 * Bad input: each is one error that names what is wrong and its value, with the
 * code of the CNI specification, and nothing has changed.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { admitPool } from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { IPAM, ipoibOn, macvlanOn, nad, networks, POOLS } from './documents.ts'
import { addPod, makeGround, stateOf } from './ground.ts'
import { type Asked, bootAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'
import { WORLD } from './world.ts'

type BadCall = {
  readonly does: string
  /** Networks of the pod by name, `first` the default one. */
  readonly nads?: readonly Document[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly asked?: Partial<Asked>
  readonly code: string
  /** Code of the CNI error object. */
  readonly cni: number
  /** What the error must say. */
  readonly names: readonly string[]
}

const on = (plugin: object): { nads: Document[] } => ({ nads: [nad('first', [plugin])] })

const MASTERS: readonly BadCall[] = [
  {
    does: 'a master that is missing',
    ...on(ipoibOn(IPAM.spiderpool, 'ib9')),
    code: 'master-missing',
    cni: 7,
    names: ['master', '"ib9"'],
  },
  {
    does: 'a master of a macvlan that is missing',
    ...on(macvlanOn(IPAM.hostLocal, 'eth9')),
    code: 'master-missing',
    cni: 7,
    names: ['master', '"eth9"'],
  },
  {
    does: 'a master that is not IPoIB',
    ...on(ipoibOn(IPAM.spiderpool, 'eth1')),
    code: 'master-not-ipoib',
    cni: 7,
    names: ['master is eth1', '(device)', 'ipoib'],
  },
  {
    does: 'a master that is a child itself',
    ...on(ipoibOn(IPAM.spiderpool, 'ib0.8001')),
    code: 'master-is-child',
    cni: 7,
    names: ['ib0.8001', 'child'],
  },
  {
    does: 'a master that is down',
    ...on(ipoibOn(IPAM.spiderpool, 'ib2')),
    code: 'master-down',
    cni: 7,
    names: ['ib2', 'down'],
  },
  ...([0, '0x0', 0x8000, '0x8000', 0x1ffff, '0x1ffff'] as const).map((pkey): BadCall => ({
    does: `P_Key ${JSON.stringify(pkey)}`,
    ...on(ipoibOn(IPAM.spiderpool, 'ib0', { pkey })),
    code: 'plugin-conf-invalid',
    cni: 7,
    names: ['pkey', String(pkey)],
  })),
]

const NETWORKS: readonly BadCall[] = [
  {
    does: 'a pool that nobody made',
    ...on(macvlanOn({ type: 'spiderpool', default_ipv4_ippool: ['nope'] })),
    code: 'pool-missing',
    cni: 7,
    names: ['pool', 'nope'],
  },
  {
    does: 'a network object that nobody made',
    nads: [],
    code: 'nad-missing',
    cni: 7,
    names: ['network-attachment-definition', 'first', 'kube-system'],
  },
  {
    does: 'a network object that is not JSON',
    nads: [nad('first', '{"type":')],
    code: 'nad-config-unreadable',
    cni: 6,
    names: ['spec.config', 'kube-system/first', 'JSON'],
  },
  {
    does: 'a plugin type that names a path',
    ...on({ type: '../../bin/sh' }),
    code: 'nad-config-invalid',
    cni: 7,
    names: ['type', '../../bin/sh'],
  },
  {
    does: 'an IPAM type that names a path',
    ...on(macvlanOn({ type: '../../bin/sh' })),
    code: 'plugin-type-invalid',
    cni: 7,
    names: ['type', '../../bin/sh'],
  },
  {
    does: 'an interface name that two networks want',
    ...on(macvlanOn(IPAM.spiderpool)),
    annotations: { 'k8s.v1.cni.cncf.io/networks': 'kube-system/first@eth0' },
    code: 'interface-asked-twice',
    cni: 7,
    names: ['interface name', 'eth0'],
  },
  {
    does: 'a default route by a gateway that the network does not lead to',
    ...on(macvlanOn(IPAM.spiderpool)),
    annotations: {
      'k8s.v1.cni.cncf.io/networks': JSON.stringify([
        {
          name: 'first',
          namespace: 'kube-system',
          interface: 'net1',
          'default-route': ['10.1.0.1'],
        },
      ]),
    },
    code: 'default-route-astray',
    cni: 7,
    names: ['default-route', '10.1.0.1'],
  },
  {
    does: "another vendor's plugin that fails behind a plugin of ours",
    nads: [nad('first', [macvlanOn(IPAM.both), { type: 'acme-broken' }])],
    code: 'foreign-failed',
    cni: 999,
    names: ['acme-broken', 'it is out of order'],
  },
]

const CALLS: readonly BadCall[] = [
  {
    does: 'a configuration that is not JSON',
    asked: { type: 'macvlan', conf: '{' },
    code: 'cni-conf-unreadable',
    cni: 6,
    names: ['JSON'],
  },
  {
    does: 'an interface name over 15 bytes',
    asked: { ifName: 'a234567890123456' },
    code: 'cni-if-name-invalid',
    cni: 4,
    names: ['interface name is too long', 'less than 16 characters'],
  },
  {
    does: 'an interface name with a slash',
    asked: { ifName: 'a/b' },
    code: 'cni-if-name-invalid',
    cni: 4,
    names: ['interface name', '/'],
  },
  {
    does: 'an interface name that is taken in the pod',
    asked: {
      type: 'macvlan',
      ifName: 'lo',
      conf: { master: 'eth1', ipam: IPAM.hostLocal },
    },
    code: 'interface-exists',
    cni: 4,
    names: ['lo', 'exists'],
  },
  {
    does: 'a namespace that is gone',
    ...on(macvlanOn(IPAM.spiderpool)),
    asked: { netns: 'p9' },
    code: 'netns-missing',
    cni: 8,
    names: ['network namespace', '/run/netns/p9'],
  },
  {
    does: 'a file that is no namespace',
    ...on(macvlanOn(IPAM.spiderpool)),
    asked: { netns: 'plain-file' },
    code: 'netns-not-one',
    cni: 8,
    names: ['network namespace', '/run/netns/plain-file'],
  },
  {
    does: "the host's own namespace",
    ...on(macvlanOn(IPAM.spiderpool)),
    asked: { netns: 'host' },
    code: 'netns-own',
    cni: 8,
    names: ['CNI_NETNS', 'should not be the same'],
  },
  {
    does: 'a pod that the store does not know',
    asked: { pod: { namespace: 'default', name: 'ghost', uid: 'u' } },
    code: 'pod-unknown',
    cni: 11,
    names: ['pod', 'default/ghost'],
  },
]

for (const bad of [...MASTERS, ...NETWORKS, ...CALLS]) {
  test(`ADD refuses ${bad.does}`, async () => {
    await using ground = await makeGround(WORLD, [...POOLS, ...(bad.nads ?? [])])
    const pod = await addPod(ground, 'pod-1', { ...networks('first'), ...bad.annotations })
    const before = await stateOf(ground)
    const agent = bootAgent(ground)
    const asked: Asked = { netns: 'p1', container: 'c1', pod, ...bad.asked }
    const refused = await refusalOf(agent.call('ADD', asked))
    ok(refused, 'it is not refused')
    deepEqual([refused.code, refused.cni], [bad.code, bad.cni], refused.text)
    const missing = bad.names.filter((name) => !refused.text.includes(name))
    deepEqual(missing, [], refused.text)
    equal(await stateOf(ground), before)
  })
}

for (const { does, spec, field, value } of [
  {
    does: 'a subnet with host bits',
    spec: { subnet: '172.91.0.7/16', ips: ['172.91.0.100-172.91.0.120'] },
    field: 'spec.subnet',
    value: '172.91.0.7/16',
  },
  {
    does: 'a gateway outside its subnet',
    spec: { subnet: '172.91.0.0/16', ips: ['172.91.0.100'], gateway: '10.0.0.1' },
    field: 'spec.gateway',
    value: '10.0.0.1',
  },
]) {
  test(`a pool with ${does} is not admitted`, () => {
    const raw = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' }
    const { faults } = admitPool(
      { ...raw, metadata: { name: 'v4-91' }, spec },
      { previous: undefined, others: [] },
    )
    equal(faults.length, 1)
    equal(faults[0]?.field, field)
    ok(faults[0].message.includes(value), faults[0].message)
  })
}
