import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import { poolsOfNamespace, poolsOfPod, routesOfPod } from './annotation.ts'
import { networkOfInterface, placeOf } from './pod-network.ts'

function podWith(annotations: Record<string, string>): Document {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'tenant', annotations },
  }
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
    equal(networkOfInterface(podWith({ [NETWORKS]: networks }), ifName, undefined), is)
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
  { does: 'and refuses an empty name', text: '[{"ipv4":[""]}]', reason: /a name is empty/ },
  { does: 'and refuses a name that is none', text: '[{"ipv4":[5]}]', reason: /5 is no pool name/ },
  {
    does: 'and refuses an interface that is no text',
    text: '[{"interface":5,"ipv4":["a"]}]',
    reason: /interface of an item is no text/,
  },
  { does: 'and refuses no pool', text: '[{"ipv4":[]}]', reason: /names no pool/ },
  { does: 'with nulls', text: '[{"ipv4":["a"],"ipv6":null,"cleangateway":null}]', ipv4: ['a'] },
  {
    does: 'and refuses a text for a list',
    text: '[{"ipv4":"a"}]',
    reason: /no list of pool names/,
  },
  {
    does: 'and refuses a cleangateway that is no claim',
    text: '[{"ipv4":["a"],"cleangateway":"yes"}]',
    reason: /cleangateway is neither true nor false/,
  },
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
    annotation: 'ipam.spidernet.io/ippool',
    cleanGateway: true,
  })
  equal(poolsOfPod(podWith({}), 'eth0'), undefined)
})

test('networkOfInterface() takes the default network of the pod, else of the node', () => {
  const own = podWith({ 'v1.multus-cni.io/default-network': 'ipoib' })
  equal(networkOfInterface(own, 'eth0', 'a/b'), 'kube-system/ipoib')
  equal(networkOfInterface(podWith({}), 'eth0', 'a/b'), 'a/b')
  equal(networkOfInterface(podWith({}), 'eth0', undefined), undefined)
})

const V4 = 'ipam.spidernet.io/default-ipv4-ippool'
const V6 = 'ipam.spidernet.io/default-ipv6-ippool'
for (const { does, annotations, is } of [
  { does: 'both families', annotations: { [V4]: '["a","b"]', [V6]: '["c"]' }, is: ['a b', 'c'] },
  { does: 'one alone', annotations: { [V6]: '["c"]' }, is: ['', 'c'] },
  {
    does: 'nothing of empty texts and lists',
    annotations: { [V4]: '', [V6]: '[]' },
    is: undefined,
  },
  { does: 'nothing of none', annotations: {}, is: undefined },
]) {
  test(`poolsOfNamespace() reads ${does}`, () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n', annotations } }
    const found = poolsOfNamespace(namespace)
    deepEqual(found && [found.ipv4.join(' '), found.ipv6.join(' ')], is)
  })
}

const ROUTES = 'ipam.spidernet.io/routes'
for (const { does, text, reason } of [
  { does: 'text that is no JSON', text: '{', reason: /routes.*not JSON/ },
  { does: 'an object', text: '{}', reason: /no list of routes/ },
  {
    does: 'an address as its target',
    text: '[{"dst":"10.0.0.0","gw":"10.1.0.1"}]',
    reason: /item 0/,
  },
  {
    does: 'families that differ',
    text: '[{"dst":"10.0.0.0/8","gw":"fd00::1"}]',
    reason: /gw fd00::1 is not of the family of 10\.0\.0\.0\/8/,
  },
  { does: 'a route without gw', text: '[{"dst":"10.0.0.0/8"}]', reason: /item 0/ },
]) {
  test(`routesOfPod() refuses ${does}`, () => {
    throws(() => routesOfPod(podWith({ [ROUTES]: text })), reason)
  })
}

test('routesOfPod() reads keys in any case', () => {
  deepEqual(routesOfPod(podWith({ [ROUTES]: '[{"DST":"10.0.0.0/16","Gw":"172.18.0.1"}]' })), [
    { dst: '10.0.0.0/16', gw: '172.18.0.1' },
  ])
})
