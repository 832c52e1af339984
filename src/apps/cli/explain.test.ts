import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Row } from '#attach/index.ts'
import type { Document } from '#needs/records.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { allocation, type Bench, makeBench, serveStatus } from './cli-in-memory.ts'

const POOL_OF_ONE = `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: { name: v4-91 }
spec: { subnet: 172.91.0.0/16, ips: [172.91.0.100] }
`
const NETWORK = `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderMultusConfig
metadata: { name: ipoib, namespace: kube-system }
spec: { cniType: ipoib, ipoib: { master: ib0, ippools: { ipv4: [v4-91] } } }
`
const IB0 = { name: 'ib0', kind: 'ipoib', mtu: 2044, up: true, pkey: '0xffff' }

type Account = {
  readonly interface?: string
  readonly well: boolean
  readonly chain: readonly { readonly object: string; readonly what: string }[]
  readonly mend: readonly string[]
}

function podOn(name: string, network: string, node: string | undefined = 'node-1'): Document {
  const annotations = { 'v1.multus-cni.io/default-network': network }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations },
    spec: { containers: [{ name: 'c', image: 'x' }], ...(node && { nodeName: node }) },
  }
}

async function bench(): Promise<Bench> {
  const made = await makeBench()
  await made.verbena(['apply', '-f', '-'], `${POOL_OF_ONE}---\n${NETWORK}`)
  return made
}

/** The only account of a pod, and the exit status. */
async function told(of: Bench, pod: string, words: readonly string[] = []) {
  const { status, stdout } = await of.verbena(['explain', pod, '-o', 'json', ...words])
  const { accounts }: { accounts: Account[] } = JSON.parse(stdout)
  const [account] = accounts
  const objects = account?.chain.map(({ object }) => object)
  return { status, account, objects, count: accounts.length }
}

async function uidOf({ store }: Bench, name: string): Promise<string> {
  await using records = await openRecords({ path: store })
  const pod = await records.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name })
  return pod?.metadata.uid ?? ''
}

/** The agent of the node, with a host that has `links`. */
function agentWith(of: Bench, links: readonly unknown[], refused: readonly unknown[] = []) {
  return serveStatus(of, [], { refused, world: { netns: { host: { links } } } })
}

test('explain leads from a pod without interface to who holds the last address', async () => {
  await using made = await bench()
  await made.put(podOn('web-0', 'kube-system/ipoib'), podOn('web-1', 'kube-system/ipoib'))
  await made.put(allocation('172.91.0.100', 'web-0', await uidOf(made, 'web-0')))
  const { status, account, objects } = await told(made, 'web-1')
  equal(status, 1)
  deepEqual(objects, [
    'Pod/default/web-1',
    'Agent/node-1',
    'SpiderIPPool/v4-91',
    'Allocation/172.91.0.100',
  ])
  match(account?.chain.at(-1)?.what ?? '', /^172\.91\.0\.100 by default\/web-0 \(eth0\)/)
  match(account?.mend[0] ?? '', /^verbena get spiderippool v4-91 -o yaml/)
})

test('explain tells an address that a pod which does not exist holds, and repair', async () => {
  await using made = await bench()
  await made.put(podOn('web-1', 'kube-system/ipoib'), allocation('172.91.0.100', 'gone'))
  const { account } = await told(made, 'web-1')
  match(account?.chain.at(-1)?.what ?? '', /a pod that does not exist$/)
  equal(account?.mend[0], 'verbena repair')
})

for (const { what, links, network = 'kube-system/ipoib', last, says, mend } of [
  {
    what: 'a master that the host lacks',
    links: [],
    last: 'Interface/ib0',
    says: /no interface of that name on node node-1/,
    mend: /^ip link show/,
  },
  {
    what: 'a master that is down',
    links: [{ ...IB0, up: false }],
    last: 'Interface/ib0',
    says: /^it is down/,
    mend: /^ip link set ib0 up/,
  },
  {
    what: 'a network of another namespace',
    links: [IB0],
    network: 'default/ipoib',
    last: 'NetworkAttachmentDefinition/default/ipoib',
    says: /there is kube-system\/ipoib/,
    mend: /^verbena get pod web -n default/,
  },
]) {
  test(`explain names ${what}, on the host as its agent sees it`, async () => {
    await using made = await bench()
    await made.put(podOn('web', network))
    await using agent = await agentWith(made, links)
    const { status, account } = await told(made, 'web', ['--status-socket', agent.path])
    const found = account?.chain.at(-1)
    deepEqual([status, found?.object], [1, last])
    match(found?.what ?? '', says)
    match(account?.mend.join('\n') ?? '', mend)
  })
}

test('explain tells what the agent refused when it would take it now', async () => {
  await using made = await bench()
  await made.put(podOn('web', 'kube-system/ipoib'))
  const podUid = await uidOf(made, 'web')
  const refused = [{ podUid, ifName: 'eth0', text: 'Cannot attach to ib0: it is down', atMs: 0 }]
  await using agent = await agentWith(made, [IB0], refused)
  const { account } = await told(made, 'web', ['--status-socket', agent.path])
  match(account?.chain[1]?.what ?? '', /1970-01-01T.*Cannot attach to ib0: it is down/)
  match(account?.mend[0] ?? '', /^wait/)
})

test('explain tells an agent that does not answer, and a pod on no node', async () => {
  await using made = await bench()
  await made.put(podOn('web', 'kube-system/ipoib'), podOn('idle', 'kube-system/ipoib', ''))
  deepEqual((await told(made, 'web')).objects, ['Pod/default/web', 'Agent/node-1'])
  match((await told(made, 'idle')).account?.chain.at(-1)?.what ?? '', /spec\.nodeName is not set/)
})

async function attached(made: Bench): Promise<void> {
  await made.put(podOn('web', 'kube-system/ipoib'))
  const uid = await uidOf(made, 'web')
  await mkdir(join(made.folder, 'node-1'), { recursive: true })
  await using journal = openJournal({ path: join(made.folder, 'node-1', 'journal.db') })
  const row: Row = {
    attachment: `${uid}/eth0`,
    owner: {
      pod: { namespace: 'default', name: 'web', uid },
      network: 'ipoib',
      containerId: 'c1',
      ifName: parseIfName('eth0'),
    },
    netns: parseNetnsPath('/run/netns/p1'),
    netnsId: '4:1001',
    mark: `verbena:${uid}/eth0`,
    state: 'attached',
    request: { cniVersion: '1.0.0', plugins: [], args: '', prevResult: undefined },
    held: [],
    stages: [],
    result: undefined,
    since: 0,
    networkRef: 'kube-system/ipoib',
    root: { network: 'ipoib', ifName: parseIfName('eth0'), type: 'ipoib' },
  }
  journal.write([row])
}

test('explain finds a pod well whose interface is there', async () => {
  await using made = await bench()
  await attached(made)
  made.netns.add('4:1001')
  const { status, account } = await told(made, 'web')
  deepEqual([status, account?.well, account?.interface], [0, true, 'eth0'])
})

test('explain tells a namespace that went without a DEL, and a carrier that waits', async () => {
  await using made = await bench()
  await attached(made)
  deepEqual((await told(made, 'web')).account?.mend, ['verbena repair'])
  made.netns.add('4:1001')
  const uid = await uidOf(made, 'web')
  const owner = { pod: { uid }, network: 'ipoib', containerId: 'c1', ifName: 'eth0' }
  const waiting = ['eth0 has no carrier: P_Key 0x8001 or the port itself is not active']
  await using agent = await serveStatus(made, [{ owner, state: 'attached', waiting }])
  const { account } = await told(made, 'web', ['--status-socket', agent.path])
  equal(account?.chain.at(-1)?.object, 'Partition/0x8001')
})

test('explain of no such pod names those of a name like it', async () => {
  await using made = await bench()
  await made.put(podOn('web-0', 'kube-system/ipoib'))
  const { stdout, status } = await made.verbena(['explain', 'web-7'])
  equal(status, 1)
  match(stdout, /^ {2}└─ because Pod: there is default\/web-0$/m)
  match(stdout, /^ {2}mend: verbena explain default\/web-0$/m)
})
