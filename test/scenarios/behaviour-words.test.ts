/**
 * What is said, on the real kernel with the real shim and agent: error objects
 * that can be read, warnings that name the key, waits that end, and what a
 * pod gets where something could not be learned.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openRecords } from '#store/records.ts'
import { COORDINATOR, nad, networks, pool } from './documents.ts'
import { NEEDS_NODE, RealNode, type RealCall } from './real-node.ts'
import { demand, podOn, refusalOf, resultOf, until } from './real-pods.ts'
import { heldAddresses, linksIn, wholeState } from './real-state.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const STATIC = { type: 'static', addresses: [{ address: '10.5.0.5/24' }] } as const
const DOCUMENTS = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.199'),
  nad('macvlan', [MACVLAN]),
  nad('over-host', [MACVLAN, COORDINATOR]),
]
const UID = '5d6f5c1e-0d6a-4f0e-9f56-9a4b6a3f2c11'

test('a pod that is unknown yet: the ADD waits for its record (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  await node.addPods(['a'])
  const call = { pod: 'a', ref: { namespace: 'default', name: 'a', uid: UID } }
  const running = node.startPlugin('ADD', call)
  await delay(700)
  deepEqual(await linksIn(node, 'a'), [])
  await using records = await openRecords({ path: `${node.folder}/store.db`, keepsUid: true })
  await records.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default', uid: UID, annotations: networks('macvlan') },
    spec: { containers: [{ name: 'main' }] },
  })
  equal(resultOf(await running.ended).ips[0]?.address, '10.7.0.100/16')
  deepEqual(await linksIn(node, 'a'), ['eth0'])
})

test(
  'a pod that stays unknown: a clear error after a bounded wait (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    await node.addPods(['a'])
    const before = await wholeState(node)
    const call = { pod: 'a', ref: { namespace: 'default', name: 'a', uid: UID } }
    const startedMs = performance.now()
    const { code, msg } = refusalOf(await node.plugin('ADD', call))
    const tookMs = performance.now() - startedMs
    equal(code, 11)
    equal(msg, 'Cannot attach pod default/a: the store does not know it')
    ok(tookMs > 2_000 && tookMs < 8_000, `it took ${Math.round(tookMs)} ms`)
    equal(await wholeState(node), before)
    await demand(node, 'DEL', call)
  },
)

test(
  'nothing known of the cluster: the coordinator leaves it out and works (root)',
  NEEDS_NODE,
  async () => {
    const coordinator = {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderCoordinator',
      metadata: { name: 'default' },
      spec: { mode: 'underlay', podCIDRType: 'auto' },
      status: { phase: 'NotReady', reason: 'no kubeadm-config' },
    }
    await using node = await RealNode.open([...DOCUMENTS, coordinator])
    const call = await podOn(node, 'a', 'over-host')
    const before = await wholeState(node)
    resultOf(await node.plugin('ADD', call))
    deepEqual(await linksIn(node, 'a'), ['eth0', 'veth0'])
    const ping = await node.in('node', 'ping', '-c', '1', '-W', '2', '10.7.0.100')
    match(ping.stdout, /1 received/, ping.stdout)
    await demand(node, 'DEL', call)
    equal(await wholeState(node), before)
  },
)

test('a wrong key is accepted, and the log names it (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  await node.addPods(['a'])
  const conf = { master: 'up0', mtuu: 1400, ipam: { ...STATIC, adresses: [] } }
  const call = { pod: 'a', type: 'macvlan', conf }
  resultOf(await node.plugin('ADD', call))
  for (const key of ['mtuu', 'adresses']) {
    const warned = (): boolean => warnings(node).some((text) => text.includes(key))
    await until(`a warning that names ${key}, of ${warnings(node).join()}`, warned)
  }
  await demand(node, 'DEL', call)
})

/** Texts that the agent logged as warnings. */
function warnings(node: RealNode): string[] {
  return node.log.flatMap((line) => {
    const { level, text }: { level?: number; text?: string } = JSON.parse(line)
    return level === 40 && text !== undefined ? [text] : []
  })
}

const LONG = 'x'.repeat(100_000)
/** Characters of an error object, and of its sentence. */
const MOST = { whole: 4_096, sentence: 1_100 }

type Wrong = {
  readonly does: string
  readonly call: Partial<RealCall>
  readonly code: number
  /** Field, value and cause: the error object has each of them. */
  readonly says: readonly (string | RegExp)[]
}

const WRONG: readonly Wrong[] = [
  {
    does: 'a parent that is absent',
    call: { type: 'macvlan', conf: { master: 'eth9', ipam: STATIC } },
    code: 7,
    says: ['master', 'eth9'],
  },
  {
    does: 'a mode that is none',
    call: { type: 'macvlan', conf: { master: 'up0', mode: 'brigde', ipam: STATIC } },
    code: 7,
    says: ['mode', 'brigde'],
  },
  {
    does: 'an MTU that is none',
    call: { type: 'macvlan', conf: { master: 'up0', mtu: 'big', ipam: STATIC } },
    code: 7,
    says: ['mtu'],
  },
  {
    does: 'an address that is none',
    call: {
      type: 'static',
      conf: { ipam: { ...STATIC, addresses: [{ address: '10.5.0.300/24' }] } },
    },
    code: 7,
    says: ['10.5.0.300'],
  },
  {
    does: 'a pool that is absent',
    call: { type: 'spiderpool', conf: { ipam: { ...POOL, default_ipv4_ippool: ['v9'] } } },
    code: 7,
    says: ['v9'],
  },
  {
    does: 'an interface name that is too long',
    call: { type: 'macvlan', ifName: 'a-name-of-17-char', conf: { master: 'up0', ipam: STATIC } },
    code: 4,
    says: [/interface name|CNI_IFNAME/],
  },
  {
    does: 'a version from the future',
    call: { type: 'macvlan', conf: { cniVersion: '9.9.9', master: 'up0', ipam: STATIC } },
    code: 1,
    says: ['9.9.9'],
  },
  {
    does: 'a text of 100,000 characters where a name should be',
    call: { type: 'macvlan', conf: { master: LONG, ipam: STATIC } },
    code: 7,
    says: ['master', 'xxx'],
  },
  {
    does: 'a configuration of 100,000 characters beside a wrong key',
    call: { type: 'macvlan', conf: { master: 'eth9', note: LONG, ipam: STATIC } },
    code: 7,
    says: ['master', 'eth9'],
  },
  {
    does: "another vendor's plugin that talks for ever",
    call: { type: 'macvlan', conf: { master: 'up0', ipam: { type: 'acme-talker' } } },
    code: 999,
    says: ['acme-talker', 'out of order'],
  },
]

test(
  'error texts: the code of CNI, one sentence, the field, the value (root)',
  NEEDS_NODE,
  async (t) => {
    await using node = await RealNode.open(DOCUMENTS)
    const talk = `[ "$CNI_COMMAND" = ADD ] || exit 0
echo out of order >&2; head -c 1000000 /dev/zero | tr '\\0' y >&2; exit 1`
    await node.addScript('acme-talker', talk)
    await node.addPods(['a'])
    const before = await wholeState(node)
    for (const { does, call, code: wanted, says } of WRONG) {
      await t.test(does, async () => {
        const exit = await node.plugin('ADD', { pod: 'a', ...call })
        const { code, msg, details = '' } = refusalOf(exit)
        equal(code, wanted, msg.slice(0, 300))
        const text = `${msg}; ${details}`
        for (const part of says) {
          ok(typeof part === 'string' ? text.includes(part) : part.test(text), text.slice(0, 300))
        }
        ok(!msg.includes('\n') && !msg.endsWith('.'), `one sentence: ${msg.slice(0, 300)}`)
        ok(msg.length <= MOST.sentence, `${msg.length} characters`)
        ok(exit.stdout.length <= MOST.whole, `${exit.stdout.length} characters in all`)
        ok(!details.includes('    at '), `no stack: ${details.slice(0, 300)}`)
        equal(await wholeState(node), before)
      })
    }
    deepEqual(await heldAddresses(node), [])
    const longest = Math.max(...node.log.map((line) => line.length))
    ok(longest < MOST.whole, `a line of the log has ${longest} characters`)
  },
)
