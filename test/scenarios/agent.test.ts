/**
 * The shim, an agent process and the kernel of this machine: what containers
 * are given, what is left of it, and what becomes of it when a process dies.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { allocationsOf } from '#ipam/index.ts'
import type { PodRef } from '#values/owner.ts'
import { COORDINATOR, nad, networks, pool } from './documents.ts'
import { addPod } from './ground.ts'
import type { Exit } from './program-run.ts'
import { NEEDS_DEBIAN_CNI, NEEDS_NODE, NODE_IP, RealNode, type RealCall } from './real-node.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const DOCUMENTS = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.199'),
  nad('macvlan', [MACVLAN]),
  nad('over-host', [MACVLAN, COORDINATOR]),
  nad('tuned', [MACVLAN, { type: 'tuning', sysctl: { 'net.ipv4.conf.eth0.arp_filter': '1' } }]),
  nad('slow', [MACVLAN, { type: 'acme-slow' }]),
]
/** Kept by host-local in a folder of the test's own. */
const fileIpam = (node: RealNode): object => ({
  type: 'host-local',
  subnet: '10.8.0.0/24',
  dataDir: `${node.folder}/networks`,
})

type Result = {
  interfaces: { name: string; mac: string }[]
  ips: { address: string }[]
}

function resultOf({ status, stdout, stderr }: Exit): Result {
  equal(status, 0, `${stdout}${stderr}`)
  return JSON.parse(stdout)
}

async function heldAddresses({ records }: RealNode): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(({ metadata }) => metadata.name)
}

/** A pod with its namespace and its document. */
async function podOn(node: RealNode, name: string, network: string): Promise<RealCall> {
  await node.addPods([name])
  const ref: PodRef = await addPod(node, name, networks(network))
  return { pod: name, ref }
}

test('an agent that is killed is ready again (root)', NEEDS_NODE, async (t) => {
  await using node = await RealNode.open()
  await node.kill()
  t.diagnostic(`start to ready: ${Math.round(await node.boot())} ms`)
})

test('a macvlan by itself: ADD, ADD again, CHECK, STATUS, DEL (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open()
  await node.addPods(['a'])
  const conf = { master: 'up0', ipam: fileIpam(node) }
  const call = { pod: 'a', type: 'macvlan', conf }
  const before = await node.state()
  const first = await node.plugin('ADD', call)
  const { ips, interfaces } = resultOf(first)
  deepEqual(
    ips.map(({ address }) => address),
    ['10.8.0.2/24'],
  )
  const shown = (await node.in('a', 'ip', '-d', 'addr', 'show', 'eth0')).stdout
  for (const part of ['10.8.0.2/24', interfaces[0]?.mac ?? '-', 'macvlan mode bridge']) {
    ok(shown.includes(part), `${part} is not in ${shown}`)
  }
  const then = await node.state()
  deepEqual(await node.plugin('ADD', call), first)
  equal(await node.state(), then)
  const again = { ...call, conf: { ...conf, prevResult: JSON.parse(first.stdout) } }
  deepEqual(await node.plugin('CHECK', again), { status: 0, stdout: '', stderr: '' })
  const about = { ...call, conf: { ...conf, cniVersion: '1.1.0' } }
  deepEqual(await node.plugin('STATUS', about), { status: 0, stdout: '', stderr: '' })
  await node.in('a', 'ip', 'addr', 'del', '10.8.0.2/24', 'dev', 'eth0')
  const checked = await node.plugin('CHECK', again)
  equal(checked.status, 1)
  match(checked.stdout, /eth0 has no address 10\.8\.0\.2/)
  equal((await node.plugin('DEL', again)).status, 0)
  equal((await node.plugin('DEL', again)).status, 0)
  equal(await node.state(), before)
})

test("a runtime's chain with another vendor's plugin in it (root)", NEEDS_DEBIAN_CNI, async () => {
  await using node = await RealNode.open()
  await node.addPods(['a'])
  const before = await node.state()
  const conf = { master: 'up0', ipam: fileIpam(node) }
  const call = { pod: 'a', type: 'macvlan', conf }
  const prevResult = resultOf(await node.plugin('ADD', call))
  const tune = {
    pod: 'a',
    type: '/usr/lib/cni/tuning',
    conf: { sysctl: { 'net.ipv4.conf.eth0.arp_filter': '1' }, prevResult },
  }
  const tuned = resultOf(await node.plugin('ADD', tune))
  deepEqual(tuned.ips, prevResult.ips)
  const checked = await node.plugin('CHECK', { ...call, conf: { ...conf, prevResult: tuned } })
  equal(checked.status, 0, checked.stdout)
  equal((await node.plugin('DEL', tune)).status, 0)
  equal((await node.plugin('DEL', { ...call, conf: { ...conf, prevResult } })).status, 0)
  equal(await node.state(), before)
})

test(
  "all networks of a pod, another vendor's plugin run by the shim (root)",
  {
    ...NEEDS_DEBIAN_CNI,
  },
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const call = await podOn(node, 'a', 'tuned')
    const before = await node.state()
    resultOf(await node.plugin('ADD', call))
    const path = '/proc/sys/net/ipv4/conf/eth0/arp_filter'
    equal((await node.in('a', 'cat', path)).stdout, '1\n')
    equal((await node.plugin('DEL', call)).status, 0)
    equal(await node.state(), before)
    deepEqual(await heldAddresses(node), [])
  },
)

test(
  'macvlan, spiderpool and coordinator: pod and node reach each other (root)',
  {
    ...NEEDS_NODE,
  },
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const call = await podOn(node, 'a', 'over-host')
    const before = await node.state()
    const { ips } = resultOf(await node.plugin('ADD', call))
    deepEqual(
      ips.map(({ address }) => address),
      ['10.7.0.100/16'],
    )
    for (const [from, to] of [
      ['node', '10.7.0.100'],
      ['a', NODE_IP],
    ] as const) {
      const ping = await node.in(from, 'ping', '-c', '2', '-i', '0.05', '-W', '2', to)
      match(ping.stdout, /2 received, 0% packet loss/, `${from} to ${to}: ${ping.stdout}`)
    }
    match(await statusOf(node, 'a'), /"interface": "eth0",\s+"ips": \[\s+"10\.7\.0\.100"/)
    equal((await node.plugin('CHECK', call)).status, 0)
    equal((await node.plugin('DEL', call)).status, 0)
    equal(await node.state(), before)
    deepEqual(await heldAddresses(node), [])
  },
)

/** The network-status, which follows the answer. */
async function statusOf({ records }: RealNode, name: string): Promise<string> {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name }
  for (let tries = 0; tries < 100; tries++) {
    const { annotations } = (await records.get(ref))?.metadata ?? {}
    const status = annotations?.['k8s.v1.cni.cncf.io/network-status']
    if (status !== undefined) return status
    await delay(20)
  }
  return 'none after 2 s'
}

test("spiderpool as the IPAM of Debian's macvlan (root)", NEEDS_DEBIAN_CNI, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  await node.addPods(['a'])
  const before = await node.state()
  const conf = { master: 'up0', ipam: POOL }
  const call = { pod: 'a', type: '/usr/lib/cni/macvlan', conf }
  const { ips } = resultOf(await node.plugin('ADD', call))
  deepEqual(
    ips.map(({ address }) => address),
    ['10.7.0.100/16'],
  )
  deepEqual(await heldAddresses(node), ['10.7.0.100'])
  equal((await node.plugin('DEL', call)).status, 0)
  for (let tries = 0; tries < 100 && (await heldAddresses(node)).length > 0; tries++) {
    await delay(20)
  }
  deepEqual(await heldAddresses(node), [], 'free once the interface is gone')
  equal(await node.state(), before)
})

test('an ADD is retried after its shim was killed (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  await node.addScript(
    'acme-slow',
    `mark='${node.folder}/slow'
[ "$CNI_COMMAND" = DEL ] && { rm -f "$mark"; exit; }
[ -e "$mark" ] && { echo '{"code":100,"msg":"duplicate"}'; exit 1; }
touch "$mark"; input=$(cat); sleep 0.3
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.7.0.100/16"}]}'`,
  )
  const call = await podOn(node, 'a', 'slow')
  const before = await node.state()
  const first = node.startPlugin('ADD', call)
  while (!existsSync(`${node.folder}/slow`)) await delay(1)
  first.child.kill('SIGKILL')
  await first.ended
  resultOf(await node.plugin('ADD', call))
  const links = (await node.in('a', 'ip', '-br', 'link')).stdout.trim().split('\n')
  equal(links.length, 2, links.join())
  equal((await heldAddresses(node)).length, 1)
  equal((await node.plugin('DEL', call)).status, 0)
  equal(await node.state(), before)
  deepEqual(await heldAddresses(node), [])
})

test('GC takes down what the runtime no longer names (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const [kept, dead] = [await podOn(node, 'a', 'over-host'), await podOn(node, 'b', 'over-host')]
  const before = await node.state()
  resultOf(await node.plugin('ADD', kept))
  const alone = await node.state()
  resultOf(await node.plugin('ADD', dead))
  const valid = [{ containerID: node.containerOf('a'), ifname: 'eth0' }]
  for (const { alive, left } of [
    { alive: valid, left: alone },
    { alive: [], left: before },
  ]) {
    const conf = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': alive }
    const exit = await node.plugin('GC', { pod: 'a', conf })
    equal(exit.status, 0, exit.stdout)
    equal(await node.state(), left)
  }
})
