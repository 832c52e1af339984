import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { world } from './world.ts'
import { readWith } from './zod.ts'

const withLink = (link: object): object => ({ netns: { host: { links: [link] } } })
const ROW = {
  attachment: 'n/c/net1/macvlan',
  state: 'open',
  owner: { containerId: 'c', ifName: 'net1', network: 'n' },
  netns: '/run/netns/pod',
  mark: 'verbena:n/c/net1',
  request: { cniVersion: '1.0.0', plugins: [], args: '' },
  held: [],
  stages: [],
  root: { network: 'n', ifName: 'net1', type: 'macvlan' },
}
const LINK = 'netns.host.links[0]'

for (const [does, raw, field, message] of [
  ['a key that is not known', { nets: {} }, 'nets', 'no such key is known'],
  ['a key of a link', withLink({ name: 'a', mtus: 1 }), `${LINK}.mtus`, 'no such key is known'],
  ['a link without a name', withLink({ kind: 'ipoib' }), `${LINK}.name`, 'Required value'],
  ['a name too long', withLink({ name: 'a'.repeat(16) }), `${LINK}.name`, 'less than 16'],
  ['a kind', withLink({ name: 'a', kind: 'ipiob' }), `${LINK}.kind`, 'Unsupported value: "ipiob"'],
  ['an index', withLink({ name: 'a', index: 0 }), `${LINK}.index`, 'Invalid value: 0'],
  ['a text for a number', withLink({ name: 'a', mtu: '1500' }), `${LINK}.mtu`, '"1500"'],
  ['a hardware address', withLink({ name: 'a', address: '02:zz' }), `${LINK}.address`, '"02:zz"'],
  ['a P_Key', withLink({ name: 'a', pkey: '0x12345' }), `${LINK}.pkey`, '"0x12345"'],
  ['a mode', withLink({ name: 'a', mode: 'ludicrous' }), `${LINK}.mode`, 'Unsupported value'],
  [
    'an address',
    withLink({ name: 'a', addresses: ['10.0.0.1/8', '10.0.0.300/8'] }),
    `${LINK}.addresses[1]`,
    'Invalid value: "10.0.0.300/8"',
  ],
  [
    'a route',
    withLink({ name: 'a', routes: [{ dst: '10.0.0.0/8', via: 'x' }] }),
    `${LINK}.routes[0].via`,
    'Invalid value: "x"',
  ],
  [
    'a GUID',
    { rdma: { devices: [{ name: 'mlx5_0', nodeGuid: '1' }] } },
    'rdma.devices[0].nodeGuid',
    'Invalid value: "1"',
  ],
  ['an RDMA mode', { rdma: { mode: 'both' } }, 'rdma.mode', 'Unsupported value: "both"'],
  ['a path that is relative', { files: { 'etc/x': '' } }, 'files.etc/x', 'not an absolute path'],
  ['a file that is no text', { files: { '/etc/x': 1 } }, 'files./etc/x', 'must be of type string'],
  ['objects that are no list', { objects: {} }, 'objects', 'must be of type array'],
  ['a row without a key', { journal: [{ state: 'open' }] }, 'journal[0].attachment', 'Required'],
  [
    'a row with a step that there is not',
    { journal: [{ ...ROW, stages: [{ stage: 'steps', steps: [{ do: 'dance' }] }] }] },
    'journal[0].stages[0].steps[0].do',
    'Unsupported value: "dance"',
  ],
] as const) {
  test(`world refuses ${does}, with path and value`, () => {
    const read = readWith(world, raw)
    ok(!read.ok, 'it was taken')
    const [fault] = read.faults
    deepEqual(fault?.field, field)
    ok(fault?.message.includes(message), fault?.message)
  })
}

test('world refuses what is nested too deeply', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
  const read = readWith(world, { objects: deep })
  ok(!read.ok && read.faults[0]?.message.includes('nested too deeply'))
})

test('world takes what leaves nearly everything out', () => {
  for (const raw of [
    { journal: [ROW] },
    {},
    { netns: {} },
    { netns: { pod: {} } },
    withLink({ name: 'ib0' }),
  ]) {
    ok(readWith(world, raw).ok, JSON.stringify(raw))
  }
})
