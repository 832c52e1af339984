import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { nad, networks, planned, pod, POOL } from './plan-in-memory.ts'

const NETWORK = 'NetworkAttachmentDefinition/default/n'
const IPAM = 'ipam.spidernet.io'
const ASKED = networks('n')
const annotated = (key: string): string => `metadata.annotations[${key}]`

/** Network `n`, with what its IPAM says of pools. */
function network(ipam: object = {}): object {
  return nad('n', { type: 'macvlan', master: 'eth1', ipam: { type: 'spiderpool', ...ipam } })
}
const NAMED = network({ default_ipv4_ippool: ['v4'] })
const DISABLED = { ...POOL, spec: { ...POOL.spec, disable: true } }
const NAMESPACE = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'default', annotations: { [`${IPAM}/default-ipv4-ippool`]: '["none"]' } },
}
const FULL = {
  ...POOL,
  spec: { ...POOL.spec, ips: ['10.6.0.10'] },
  status: { allocatedIPs: '{"10.6.0.10":{"pod":"other/b","podUid":"u"}}' },
}
const single = { address: 'x' }

for (const { of, documents, object = 'Pod/default/a', field, message } of [
  {
    of: 'a pool that the pod names',
    documents: [network(), pod({ ...ASKED, [`${IPAM}/ippool`]: '{"ipv4":["none"]}' })],
    field: annotated(`${IPAM}/ippool`),
    message: /none/,
  },
  {
    of: 'a pattern of the pod for one interface',
    documents: [
      POOL,
      network(),
      pod({ ...ASKED, [`${IPAM}/ippools`]: '[{"ipv4":["x"]},{"ipv4":["q*"]}]' }),
    ],
    field: annotated(`${IPAM}/ippools`),
    message: /q\*/,
  },
  {
    of: 'a pool that the namespace names',
    documents: [NAMESPACE, network(), pod(ASKED)],
    object: 'Namespace/default',
    field: annotated(`${IPAM}/default-ipv4-ippool`),
    message: /none/,
  },
  {
    of: 'a pool of the network that is left out',
    documents: [DISABLED, NAMED, pod(ASKED)],
    object: NETWORK,
    field: 'spec.config',
    message: /v4: it is disabled/,
  },
  {
    of: 'a full pool, with who holds it by its status',
    documents: [FULL, NAMED, pod(ASKED)],
    object: NETWORK,
    field: 'spec.config',
    message: /by 10\.6\.0\.10 other\/b/,
  },
  {
    of: 'no pool at all',
    documents: [network(), pod(ASKED)],
    field: annotated(`${IPAM}/ippool`),
    message: /no IPPool available/,
  },
  {
    of: 'a pod that ends',
    documents: [POOL, NAMED, pod(ASKED, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    field: 'metadata.deletionTimestamp',
    message: /it is terminating/,
  },
  {
    of: 'a default network that is not there',
    documents: [pod({ 'v1.multus-cni.io/default-network': 'default/n' })],
    field: annotated('v1.multus-cni.io/default-network'),
    message: /\(n\) in namespace \(default\)/,
  },
  {
    of: 'an address that the network holds itself',
    documents: [network({ type: 'static', addresses: [single] }), pod(ASKED)],
    object: NETWORK,
    field: 'spec.config',
    message: /got: 'x'/,
  },
  {
    of: 'a second gateway',
    documents: [network(), pod(networks('[{"name":"n","default-route":["10.6.0.1","10.6.0.2"]}]'))],
    field: annotated('k8s.v1.cni.cncf.io/networks'),
    message: /ECMP/,
  },
] as const) {
  test(`plan places the error of ${of}`, async () => {
    const { status, errors } = await planned(documents)
    deepEqual([status, errors.length], [1, 1])
    deepEqual([errors[0]?.object, errors[0]?.field], [object, field])
    match(errors[0]?.message ?? '', message)
  })
}

test('plan places several errors each where it belongs', async () => {
  const { errors } = await planned([nad('n', {}), pod(networks('n,lost'))])
  deepEqual(
    errors.map(({ object, reason }) => [object, reason]),
    [
      [NETWORK, 'Invalid'],
      ['Pod/default/a', 'NotFound'],
    ],
  )
})

test('plan tells of a pod that was refused once', async () => {
  const refused = pod({ ...ASKED, [`${IPAM}/subnet`]: '{"ipv4":["s"]}' })
  const { errors } = await planned([NAMED, refused])
  deepEqual(
    errors.map(({ object, reason }) => [object, reason]),
    [['Pod/default/a', 'Forbidden']],
  )
})

test('plan gives no address that the status of a pool says is held', async () => {
  const held = { '10.6.0.10': { pod: 'other/b', podUid: 'u' } }
  const status = { allocatedIPs: JSON.stringify(held) }
  const { attachments, errors } = await planned([{ ...POOL, status }, NAMED, pod(ASKED)])
  deepEqual(errors, [])
  equal(attachments[0]?.addresses[0]?.address, '10.6.0.11/16')
})

test('plan assumes a default network where nobody names one', async () => {
  const plugins = [
    { type: 'macvlan', master: 'eth1' },
    { type: 'coordinator', mode: 'auto' },
  ]
  const ipam = { type: 'static', addresses: [{ address: '10.6.0.10/16' }] }
  const [first, second] = plugins
  const { attachments, warnings, errors } = await planned([
    nad('n', { plugins: [{ ...first, ipam }, second] }),
    pod(ASKED),
  ])
  deepEqual(errors, [])
  deepEqual(
    attachments.map((one) => [one.interface, one.default]),
    [['net1', false]],
  )
  match(warnings.join('\n'), /it is assumed to have eth0/)
})
