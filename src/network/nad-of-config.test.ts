/** Worked examples of networks, byte for byte. @module */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { spiderMultusConfig } from '#schema/spider-multus-config.ts'
import { isRecord } from '#schema/zod.ts'
import { nadNameOf, nadOf } from './nad-of-config.ts'
import { admitSpiderMultusConfig } from './spider-multus-config.ts'

const C = '{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator"}'

function smcOf(name: string, spec: object, annotations?: Record<string, string>) {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name, namespace: 'net-system', uid: 'u-1', ...(annotations && { annotations }) },
    spec,
  }
}

function derive(name: string, spec: object, annotations?: Record<string, string>) {
  const smc = smcOf(name, spec, annotations)
  const { document, faults } = admitSpiderMultusConfig(smc, { previous: undefined, nads: [] })
  deepEqual(faults, [])
  if (document === undefined) throw new TypeError('not admitted')
  return nadOf(document)
}

function configOf(nad: { readonly [key: string]: unknown }): unknown {
  return isRecord(nad['spec']) ? nad['spec']['config'] : undefined
}

const head = (name: string): string => `{"cniVersion":"0.3.1","name":"${name}","plugins":[`
const ipam = (pools: string): string =>
  `"ipam":{"type":"spiderpool","default_ipv4_ippool":[${pools}]}`

for (const { name, spec, config, resource } of [
  {
    name: 'ib-rail0',
    spec: {
      cniType: 'ib-sriov',
      ibsriov: {
        resourceName: 'spidernet.io/rail0',
        pkey: '0x8001',
        ippools: { ipv4: ['rail0-v4'], ipv6: ['rail0-v6'] },
      },
    },
    config:
      '{"cniVersion":"0.3.1","name":"ib-rail0","plugins":[{"type":"ib-sriov","pkey":"0x8001",' +
      '"link_state":"enable","rdmaIsolation":true,"ibKubernetesEnabled":false,"ipam":{"type":' +
      '"spiderpool","default_ipv4_ippool":["rail0-v4"],"default_ipv6_ippool":["rail0-v6"]}},' +
      '{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator"}]}',
    resource: 'spidernet.io/rail0',
  },
  {
    name: 'ipoib-mgmt',
    spec: { cniType: 'ipoib', ipoib: { master: 'ib0', ippools: { ipv4: ['ipoib-v4'] } } },
    config: `${head('ipoib-mgmt')}{"type":"ipoib","master":"ib0",${ipam('"ipoib-v4"')}},${C}]}`,
  },
  {
    name: 'mv-200',
    spec: {
      cniType: 'macvlan',
      macvlan: {
        master: ['ens1f0'],
        vlanID: 200,
        mtu: 9000,
        ippools: { ipv4: ['v200-a', 'v200-b'] },
      },
    },
    config:
      `${head('mv-200')}{"vlanID":200,"type":"ifacer","interfaces":["ens1f0"]},{"type":"macvlan",` +
      `"master":"ens1f0.200","mode":"bridge","mtu":9000,${ipam('"v200-a","v200-b"')}},${C}]}`,
  },
  {
    name: 'ipv-bond',
    spec: {
      cniType: 'ipvlan',
      ipvlan: {
        master: ['ens2f0', 'ens2f1'],
        vlanID: 300,
        bond: { name: 'bond7', mode: 4, options: 'miimon=100' },
        ippools: { ipv4: ['v300'] },
      },
    },
    config:
      `${head('ipv-bond')}{"vlanID":300,"type":"ifacer","interfaces":["ens2f0","ens2f1"],"bond":` +
      '{"name":"bond7","mode":4,"options":"miimon=100"}},{"type":"ipvlan","master":"bond7.300",' +
      `"mtu":0,${ipam('"v300"')}},${C}]}`,
  },
  {
    name: 'roce-vf',
    spec: {
      cniType: 'sriov',
      sriov: {
        resourceName: 'spidernet.io/cx6vf',
        vlanID: 30,
        mtu: 4200,
        rdmaIsolation: true,
        maxTxRateMbps: 1000,
        ippools: { ipv4: ['roce-*'], matchMasterSubnet: true },
      },
      chainCNIJsonData: ['{"type":"sbr"}'],
    },
    config:
      `${head('roce-vf')}{"vlan":30,"min_tx_rate":0,"max_tx_rate":1000,"type":"sriov","ipam":` +
      '{"type":"spiderpool","default_ipv4_ippool":["roce-*"],"match_master_subnet":true}},' +
      `{"type":"rdma"},{"type":"sbr"},${C},{"type":"tuning","mtu":4200}]}`,
    resource: 'spidernet.io/cx6vf',
  },
  {
    name: 'ovs-a',
    spec: {
      cniType: 'ovs',
      ovs: {
        bridge: 'brdpdk',
        vlan: 7,
        deviceID: '0000:5e:00.2',
        trunk: [{ minID: 100, maxID: 110 }],
        ippools: { ipv4: ['ovs-pool'] },
      },
    },
    config:
      `${head('ovs-a')}{"vlan":7,"type":"ovs","bridge":"brdpdk","deviceID":"0000:5e:00.2",` +
      `${ipam('"ovs-pool"')},"trunk":[{"minID":100,"maxID":110}]},${C}]}`,
    resource: 'ovs-cni.network.kubevirt.io/brdpdk',
  },
  {
    name: 'vlan-55',
    spec: {
      cniType: 'vlan',
      vlan: { master: ['ens3'], vlanID: 55, mtu: 1450, ippools: { ipv4: ['v55'] } },
    },
    config:
      `${head('vlan-55')}{"type":"vlan","master":"ens3","vlanMode":"manual","vlanId":55,` +
      `"mtu":1450,${ipam('"v55"')}},${C}]}`,
  },
  {
    name: 'vlan-auto',
    spec: { cniType: 'vlan', vlan: { master: ['ens3'], vlanMode: 'auto' }, disableIPAM: true },
    config: `${head('vlan-auto')}{"type":"vlan","master":"ens3","vlanMode":"auto","mtu":0},${C}]}`,
  },
  {
    name: 'any',
    spec: {
      cniType: 'custom',
      customCNI: '{"cniVersion":"0.4.0","name":"any","plugins":[{"type":"ptp"}]}',
    },
    config: '{"cniVersion":"0.4.0","name":"any","plugins":[{"type":"ptp"}]}',
  },
  {
    name: 'over',
    spec: {
      cniType: 'ipoib',
      ipoib: { master: 'ib1' },
      coordinator: {
        mode: 'overlay',
        podCIDRType: 'auto',
        podRPFilter: 0,
        hijackCIDR: ['10.20.0.0/16'],
        policyRoutes: [{ dst: '10.30.0.0/16', gw: '10.40.0.1' }],
        vethMTU: 2044,
        txQueueLen: 1000,
        podDefaultRouteNIC: 'eth0',
      },
    },
    config:
      `${head('over')}{"type":"ipoib","master":"ib1","ipam":{"type":"spiderpool"}},` +
      '{"txQueueLen":1000,"vethMTU":2044,"tunePodRoutes":true,"mode":"overlay","type":' +
      '"coordinator","podDefaultRouteNic":"eth0","podRPFilter":0,"hijackCIDR":["10.20.0.0/16"],' +
      '"policyRoutes":[{"dst":"10.30.0.0/16","gw":"10.40.0.1"}]}]}',
  },
  {
    name: 'table',
    spec: {
      cniType: 'ipoib',
      ipoib: { master: 'ib1' },
      coordinator: { hostRuleTable: 600, podRPFilter: -1, hijackCIDR: ['169.254.25.10'] },
    },
    config:
      `${head('table')}{"type":"ipoib","master":"ib1","ipam":{"type":"spiderpool"}},` +
      '{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator","podRPFilter":-1,' +
      '"hijackCIDR":["169.254.25.10/32"],"hostRuleTable":600}]}',
  },
  {
    name: 'chained',
    spec: {
      cniType: 'ipoib',
      ipoib: { master: 'ib1' },
      enableCoordinator: false,
      disableIPAM: true,
      chainCNIJsonData: ['{"type":"tuning","sysctl":{"b":"<1>","a":1.0,"10":0,"9":1e3}}'],
    },
    config:
      `${head('chained')}{"type":"ipoib","master":"ib1"},{"sysctl":{"10":0,"9":1000,"a":1,` +
      '"b":"\\u003c1\\u003e"},"type":"tuning"}]}',
  },
]) {
  test(`nadOf() derives ${name}`, () => {
    const nad = derive(name, spec)
    equal(configOf(nad), config)
    const annotations = resource && { 'k8s.v1.cni.cncf.io/resourceName': resource }
    deepEqual(nad, {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: {
        name,
        namespace: 'net-system',
        ...(annotations && { annotations }),
        ownerReferences: [
          {
            apiVersion: 'spiderpool.spidernet.io/v2beta1',
            kind: 'SpiderMultusConfig',
            name,
            uid: 'u-1',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: { config },
    })
  })
}

test('nadOf() takes names and version from annotations, and copies them but for one', () => {
  const annotations = {
    'multus.spidernet.io/cr-name': 'other.name',
    'multus.spidernet.io/cni-version': '1.0.0',
    'cni.spidernet.io/cniconfig-name': 'conf-name',
    'example.com/kept': 'yes',
  }
  const spec = { cniType: 'ipoib', ipoib: { master: 'ib0' }, enableCoordinator: false }
  const nad = derive('mine', spec, {
    ...annotations,
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
  })
  equal(nad.metadata.name, 'other.name')
  deepEqual(nad.metadata.annotations, annotations)
  const main = '{"type":"ipoib","master":"ib0","ipam":{"type":"spiderpool"}}'
  equal(configOf(nad), `{"cniVersion":"1.0.0","name":"conf-name","plugins":[${main}]}`)
  equal(nadNameOf({ metadata: { name: 'plain' } }), 'plain')
})

test('nadOf() leaves the config of an empty custom network to the configuration folder', () => {
  deepEqual(derive('calico', { cniType: 'custom' })['spec'], {})
})

test('nadOf() refuses what was not admitted', () => {
  const smc = spiderMultusConfig.parse(smcOf('bad', { cniType: 'ipoib' }))
  throws(() => nadOf(smc), { code: 'network-not-admitted', message: /bad: spec\.ipoib/ })
})
