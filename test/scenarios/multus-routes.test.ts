/**
 * Which network of a pod has its default route, by `ip route` in the pod.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { nad } from './documents.ts'
import { macvlan, opened, podOn, resultOf } from './multus-node.ts'
import { NEEDS_NODE, type RealNode } from './real-node.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const lan = (n: number): object =>
  macvlan({
    addresses: [
      { address: `10.${n}.0.5/16`, gateway: `10.${n}.0.1` },
      { address: `fd0${n}::5/64`, gateway: `fd0${n}::1` },
    ],
    routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
  })

async function statusOf({ records }: RealNode): Promise<Record<string, unknown>[]> {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'a' }
  for (let tries = 0; tries < 100; tries++) {
    const text = (await records.get(ref))?.metadata.annotations?.[
      'k8s.v1.cni.cncf.io/network-status'
    ]
    if (text !== undefined) return JSON.parse(text)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return []
}

/** The default routes of a pod, as `ip route` shows them. */
async function defaultsOf(node: RealNode): Promise<string[]> {
  const texts = await Promise.all(
    ['-4', '-6'].map((family) => node.in('a', 'ip', family, 'route', 'show', 'default')),
  )
  const lines = texts.flatMap(({ stdout }) => stdout.split('\n'))
  return lines.flatMap((line) => {
    const [, via, dev] = /^default via (\S+) dev (\S+)/.exec(line) ?? []
    return via === undefined ? [] : [`${via} ${dev}`]
  })
}

test('default-route moves the default route of a pod (root)', NEEDS_NODE, async () => {
  const { node } = await opened([nad('first', [lan(5)]), nad('second', [lan(6)])])
  await using _ = node
  const before = await node.state()
  const element = { name: 'second', namespace: 'kube-system', 'default-route': ['10.6.0.1'] }
  const call = await podOn(node, { [NETWORKS]: JSON.stringify([element]) })
  const empty = await node.state()
  const first = await node.plugin('ADD', call)
  const { routes = [] } = resultOf(first)
  deepEqual(
    routes.map(({ dst }) => dst),
    ['::/0'],
  )
  const v4 = (await defaultsOf(node)).filter((line) => line.startsWith('10.'))
  deepEqual(v4, ['10.6.0.1 net1'])
  const [one, two] = await statusOf(node)
  deepEqual(
    [one?.['name'], one?.['interface'], one?.['default'], one?.['gateway']],
    ['kube-system/first', 'eth0', true, ['fd05::1']],
  )
  deepEqual(
    [two?.['name'], two?.['interface'], two?.['default'], two?.['gateway']],
    ['kube-system/second', 'net1', undefined, ['fd06::1', '10.6.0.1']],
  )
  const then = await node.state()
  deepEqual(await node.plugin('ADD', call), first)
  equal(await node.state(), then)
  equal((await node.plugin('CHECK', call)).status, 0)
  equal((await node.plugin('DEL', call)).status, 0)
  equal(await node.state(), empty)
  equal(empty.startsWith(before.slice(0, 20)), true)
})

test(
  'default-route moves both versions, and an empty one takes all (root)',
  NEEDS_NODE,
  async () => {
    const { node } = await opened([nad('first', [lan(5)]), nad('second', [lan(6)])])
    await using _ = node
    const asking = (routes: readonly string[]): string =>
      JSON.stringify([{ name: 'second', namespace: 'kube-system', 'default-route': routes }])
    const call = await podOn(node, { [NETWORKS]: asking(['fd06::1', '10.6.0.1']) })
    const empty = await node.state()
    resultOf(await node.plugin('ADD', call))
    deepEqual(await defaultsOf(node), ['10.6.0.1 net1', 'fd06::1 net1'])
    equal((await node.plugin('DEL', call)).status, 0)
    const pod = await node.records.get({
      ...{ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'a' },
    })
    if (pod === undefined) throw new Error('the pod is gone')
    const annotations = { [NETWORKS]: asking([]) }
    await node.records.replace({ ...pod, metadata: { ...pod.metadata, annotations } })
    resultOf(await node.plugin('ADD', call))
    deepEqual(await defaultsOf(node), [])
    equal((await node.plugin('DEL', call)).status, 0)
    equal(await node.state(), empty)
  },
)
