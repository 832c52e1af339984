import { deepEqual, equal, match } from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeBench, MANIFESTS, POOL } from './cli-in-memory.ts'
import type { Rendering } from './render.ts'

async function renderText(text: string): Promise<{ status: number; rendering: Rendering }> {
  await using bench = await makeBench()
  const { status, stdout } = await bench.verbena(['render', '-f', '-', '-o', 'json'], text)
  return { status, rendering: JSON.parse(stdout) }
}

const NETWORK = `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderMultusConfig
metadata: { name: ipoib, namespace: kube-system }
spec: { cniType: ipoib, ipoib: { master: ibs5f0, ippools: { ipv4: [v4-91] } } }
`

test('render gives the NAD of the guide byte for byte', async () => {
  const text = await readFile(join(MANIFESTS, 'ipoib-network.yaml'), 'utf8')
  const { status, rendering } = await renderText(text)
  equal(status, 0)
  deepEqual(rendering.errors, [])
  deepEqual(rendering.warnings, [])
  deepEqual(
    rendering.objects.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]),
    [
      ['SpiderIPPool', undefined, 'v4-91'],
      ['SpiderMultusConfig', 'kube-system', 'ipoib'],
    ],
  )
  deepEqual(rendering.generated, [
    {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: {
        name: 'ipoib',
        namespace: 'kube-system',
        ownerReferences: [
          {
            apiVersion: 'spiderpool.spidernet.io/v2beta1',
            kind: 'SpiderMultusConfig',
            name: 'ipoib',
            uid: '',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        config:
          '{"cniVersion":"0.3.1","name":"ipoib","plugins":[{"type":"ipoib","master":"ibs5f0",' +
          '"ipam":{"type":"spiderpool","default_ipv4_ippool":["v4-91"]}},' +
          '{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator"}]}',
      },
    },
  ])
})

for (const file of (await readdir(MANIFESTS)).filter((name) => name.endsWith('.yaml'))) {
  test(`render accepts manifests/${file} as it is`, async () => {
    const { status, rendering } = await renderText(await readFile(join(MANIFESTS, file), 'utf8'))
    deepEqual(rendering.errors, [])
    equal(status, 0)
  })
}

test('render says what an unquoted P_Key of digits is', async () => {
  const text = await readFile(join(MANIFESTS, 'ib-sriov-pkey.yaml'), 'utf8')
  const { rendering } = await renderText(text)
  match(rendering.warnings.join('\n'), /0x03e8/)
})

for (const { what, text, object, reason, field } of [
  {
    what: 'a subnet with host bits',
    text: POOL.replace('172.91.0.0/16', '172.91.0.5/16'),
    object: 'SpiderIPPool/v4-91',
    reason: 'Invalid',
    field: 'spec.subnet',
  },
  {
    what: 'a gateway outside the subnet',
    text: POOL.replace('172.91.0.1,', '10.0.0.1,'),
    object: 'SpiderIPPool/v4-91',
    reason: 'Invalid',
    field: 'spec.gateway',
  },
  {
    what: 'a pool without subnet',
    text: POOL.replace('subnet: 172.91.0.0/16, ', ''),
    object: 'SpiderIPPool/v4-91',
    reason: 'Required',
    field: 'spec.subnet',
  },
  {
    what: 'a list where a text must be',
    text: POOL.replace('gateway: 172.91.0.1', 'gateway: [172.91.0.1]'),
    object: 'SpiderIPPool/v4-91',
    reason: 'TypeInvalid',
    field: 'spec.gateway',
  },
  {
    what: 'a network without master',
    text: NETWORK.replace('master: ibs5f0, ', ''),
    object: 'SpiderMultusConfig/kube-system/ipoib',
    reason: 'Required',
    field: 'spec.ipoibConfig',
  },
  {
    what: 'a CNI type that there is not',
    text: NETWORK.replace('cniType: ipoib', 'cniType: token-ring'),
    object: 'SpiderMultusConfig/kube-system/ipoib',
    reason: 'NotSupported',
    field: 'spec.cniType',
  },
  {
    what: 'a kind that there is not',
    text: 'apiVersion: v1\nkind: Sandwich\nmetadata: { name: ham }\n',
    object: 'Sandwich/ham',
    reason: 'NotSupported',
    field: 'kind',
  },
  {
    what: 'a name that is none',
    text: POOL.replace('name: v4-91', 'name: V4_91'),
    object: 'SpiderIPPool/V4_91',
    reason: 'Invalid',
    field: 'metadata.name',
  },
  {
    what: 'another subnet in the update of a pool',
    text: `${POOL}---\n${POOL.replace('172.91.0.0/16', '172.91.0.0/17')}`,
    object: 'SpiderIPPool/v4-91',
    reason: 'Forbidden',
    field: 'spec.subnet',
  },
  {
    what: 'an update that takes away an address that its status holds',
    text:
      `${POOL}status: { allocatedIPs: '{"172.91.0.100":{"pod":"default/a","podUid":"1"}}' }\n` +
      `---\n${POOL.replace('172.91.0.100-', '172.91.0.101-')}`,
    object: 'SpiderIPPool/v4-91',
    reason: 'Forbidden',
    field: 'spec.ips',
  },
  {
    what: 'a second pool over the same addresses',
    text: `${POOL}---\n${POOL.replace('v4-91', 'v4-92')}`,
    object: 'SpiderIPPool/v4-92',
    reason: 'Forbidden',
    field: 'spec.ips',
  },
]) {
  test(`render refuses ${what}: one error with object, reason and field`, async () => {
    const { status, rendering } = await renderText(text)
    equal(status, 1)
    deepEqual(
      rendering.errors.map((error) => [error.object, error.reason, error.field]),
      [[object, reason, field]],
    )
    deepEqual(Object.keys(rendering.errors[0] ?? {}), ['object', 'reason', 'field', 'message'])
  })
}

test('render takes a name that comes again as an update', async () => {
  const longer = POOL.replace('172.91.0.120', '172.91.0.130')
  const { rendering } = await renderText(`${POOL}---\n${longer}`)
  deepEqual(
    rendering.objects.map(({ spec }) => spec),
    [
      {
        ipVersion: 4,
        subnet: '172.91.0.0/16',
        gateway: '172.91.0.1',
        ips: ['172.91.0.100-172.91.0.130'],
        default: false,
        disable: false,
      },
    ],
  )
})

const ENDING = POOL.replace(
  'name: v4-91',
  'name: v4-91, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [spiderpool.spidernet.io]',
)

test('render lets a terminating pool only drop its finalizer', async () => {
  const changed = POOL.replace('172.91.0.120', '172.91.0.130')
  const refused = await renderText(`${ENDING}---\n${changed}`)
  deepEqual(
    refused.rendering.errors.map(({ reason }) => reason),
    ['Forbidden'],
  )
  // the whole object, as it stands: nothing is filled in for one that is terminating
  const whole = POOL.replace('spec: {', 'spec: { ipVersion: 4,')
  const released = whole.replace('name: v4-91', 'name: v4-91, finalizers: []')
  const { rendering } = await renderText(`${ENDING}---\n${released}`)
  deepEqual(rendering.errors, [])
  deepEqual(rendering.objects, [])
})

test('render warns of fields that nobody reads', async () => {
  const { rendering } = await renderText(POOL.replace('spec: {', 'spec: { vlan: 5,'))
  deepEqual(rendering.warnings, ['SpiderIPPool/v4-91: unknown field "spec.vlan" is ignored'])
})

test('render moves the NAD when an update takes its own name away', async () => {
  const named = NETWORK.replace(
    'namespace: kube-system',
    'namespace: kube-system, annotations: { multus.spidernet.io/cr-name: rail0 }',
  )
  const { rendering } = await renderText(`${named}---\n${NETWORK}`)
  deepEqual(
    rendering.generated.map(({ metadata }) => metadata.name),
    ['ipoib'],
  )
})

test('render names the place of a text that it cannot read', async () => {
  const { status, rendering } = await renderText('apiVersion: v1\nkind: "Pod\n')
  equal(status, 1)
  match(rendering.errors[0]?.object ?? '', /^-:\d+$/)
})

test('render for people puts errors on stderr, one line each', async () => {
  await using bench = await makeBench()
  const wrong = POOL.replace('172.91.0.0/16', '172.91.0.5/16')
  const { status, stdout, stderr } = await bench.verbena(['render', '-f', '-'], wrong)
  equal(status, 1)
  equal(stdout, '')
  match(stderr, /^verbena: -:1: SpiderIPPool\/v4-91: spec\.subnet: .*172\.91\.0\.5\/16.*\n$/)
})
