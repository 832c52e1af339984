/** Pools, subnets, reserved addresses and automatic pools, as commands keep them. @module */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { allocation, makeBench, POOL } from './cli-in-memory.ts'

const SPIDER = 'apiVersion: spiderpool.spidernet.io/v2beta1'
const SUBNET = `${SPIDER}
kind: SpiderSubnet
metadata: { name: s91 }
spec: { subnet: 172.91.0.0/16, ips: [172.91.0.100-172.91.0.200], gateway: 172.91.0.1 }
`
const RESERVED = `${SPIDER}
kind: SpiderReservedIP
metadata: { name: routers }
spec: { ips: [172.91.0.100-172.91.0.103] }
`
const deployment = (count: string, replicas = 2) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: tenant }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations:
        ipam.spidernet.io/subnet: '{"ipv4":["s91"]}'
        ipam.spidernet.io/ippool-ip-number: '${count}'
    spec: { containers: [{ name: web, image: web }] }
`
const settings = (text: string) => `apiVersion: v1
kind: ConfigMap
metadata: { name: spiderpool-conf, namespace: kube-system }
data: { conf.yml: '${text}' }
`
const join = (...texts: string[]): string => texts.join('---\n')

test('render shows an automatic pool among what follows, whatever the order', async () => {
  await using bench = await makeBench()
  const text = join(deployment('+1'), POOL, SUBNET)
  const { status, stdout } = await bench.verbena(['render', '-f', '-', '-o', 'json'], text)
  equal(status, 0)
  const { objects, generated } = JSON.parse(stdout)
  deepEqual(
    objects.map((one: { kind: string }) => one.kind),
    ['Deployment', 'SpiderIPPool', 'SpiderSubnet'],
  )
  const [pool] = generated
  match(pool.metadata.name, /^auto4-web-eth0-[0-9a-z]{5}$/)
  deepEqual([pool.spec.ips, pool.spec.gateway], [['172.91.0.121-172.91.0.123'], '172.91.0.1'])
  equal(objects[1].metadata.labels['ipam.spidernet.io/owner-spider-subnet'], 's91')
})

test('apply makes the pool, named after the uid, and scales it', async () => {
  await using bench = await makeBench()
  const apply = (text: string) => bench.verbena(['apply', '-f', '-'], text)
  await apply(join(SUBNET, deployment('+1')))
  const get = async () => JSON.parse((await bench.verbena(['get', 'sp', '-o', 'json'])).stdout)
  const uid = JSON.parse(
    (await bench.verbena(['get', 'deploy', 'web', '-n', 'tenant', '-o', 'json'])).stdout,
  ).metadata.uid
  const [pool] = (await get()).items
  equal(pool.metadata.name, `auto4-web-eth0-${uid.split('-').at(-1).slice(0, 5)}`)
  equal(pool.metadata.labels['ipam.spidernet.io/owner-application-uid'], uid)
  const again = await apply(join(SUBNET, deployment('+1')))
  deepEqual(again.stdout.match(/ (\w+)\n/g), [' unchanged\n', ' unchanged\n', ' unchanged\n'])
  await apply(deployment('+1', 5))
  deepEqual((await get()).items[0].spec.ips, ['172.91.0.100-172.91.0.105'])
  const subnet = JSON.parse((await bench.verbena(['get', 'ss', 's91', '-o', 'json'])).stdout)
  deepEqual(subnet.status, {
    controlledIPPools: JSON.stringify({
      [pool.metadata.name]: {
        ips: ['172.91.0.100-172.91.0.105'],
        application: 'apps/v1:Deployment:tenant:web',
      },
    }),
    totalIPCount: 101,
    allocatedIPCount: 6,
  })
  await bench.verbena(['delete', 'deploy', 'web', '-n', 'tenant'])
  deepEqual((await get()).items, [])
})

test('get shows subnets and reserved addresses, and what is free without the latter', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', '-'], join(SUBNET, POOL, RESERVED))
  const subnets = await bench.verbena(['get', 'subnets'])
  equal(
    subnets.stdout,
    'NAME   VERSION   SUBNET          ALLOCATED-IP-COUNT   TOTAL-IP-COUNT\n' +
      's91    4         172.91.0.0/16   21                   101\n',
  )
  equal((await bench.verbena(['get', 'sr'])).stdout, 'NAME      VERSION\nrouters   4\n')
  const wide = await bench.verbena(['get', 'sp', '-o', 'wide'])
  match(wide.stdout, /DISABLE +NODENAME +MULTUSNAME +APP-NAMESPACE +FREE\n/)
  match(
    wide.stdout,
    / 21 +false +false +<none> +<none> +<none> +172\.91\.0\.104-172\.91\.0\.120\n$/,
  )
  const whole = await bench.verbena(['describe', 'ss', 's91'])
  match(whole.stdout, /controlledIPPools: .*v4-91/)
})

test('get shows endpoints by their first interface', async () => {
  await using bench = await makeBench()
  const eth0 = { interface: 'eth0', ipv4: '172.91.0.100/16', ipv4Pool: 'v4-91' }
  await bench.put({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderEndpoint',
    metadata: { name: 'a', namespace: 'default' },
    status: {
      current: { uid: 'u', node: 'node-1', ips: [eth0] },
      ownerControllerType: 'Pod',
      ownerControllerName: 'a',
    },
  })
  equal(
    (await bench.verbena(['get', 'se'])).stdout,
    'NAME   INTERFACE   IPV4POOL   IPV4              IPV6POOL   IPV6   NODE\n' +
      'a      eth0        v4-91      172.91.0.100/16                     node-1\n',
  )
})

test('a pool larger than can be counted is as large as can be', async () => {
  await using bench = await makeBench()
  const text = `${SPIDER}
kind: SpiderIPPool
metadata: { name: v6 }
spec: { subnet: 'fd00::/48', ips: ['fd00::-fd00:0:0:7fff:ffff:ffff:ffff:ffff', 'fd00::5'] }
`
  const applied = await bench.verbena(['apply', '-f', '-'], text)
  equal(applied.status, 0)
  const { stdout } = await bench.verbena(['get', 'sp'])
  match(stdout, /fd00::\/48 +0 +9223372036854775807 +false/)
})

test('a subnet that has pools is terminating, and goes with the last of them', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', '-'], join(SUBNET, POOL))
  const first = await bench.verbena(['delete', 'ss', 's91'])
  equal(first.stdout, 'spidersubnet.spiderpool.spidernet.io/s91 is terminating\n')
  match(first.stderr, /still has pools \(v4-91\)/)
  equal((await bench.verbena(['get', 'sp'])).stdout.split('\n').length, 3)
  await bench.verbena(['delete', 'sp', 'v4-91'])
  match((await bench.verbena(['get', 'ss'])).stderr, /No resources found/)
})

test('with the webhook for deletions on, what is in use cannot be deleted', async () => {
  await using bench = await makeBench()
  const on = settings('enableValidatingResourcesDeletedWebhook: true')
  await bench.verbena(['apply', '-f', '-'], join(on, SUBNET, POOL))
  await bench.put(allocation('172.91.0.100', 'a'))
  const pool = await bench.verbena(['delete', 'sp', 'v4-91'])
  equal(pool.status, 1)
  match(pool.stderr, /Cannot delete spiderippool.*v4-91: it holds 1 \(default\/a\)/)
  const subnet = await bench.verbena(['delete', 'ss', 's91'])
  match(subnet.stderr, /Cannot delete spidersubnet.*s91: it has pools \(v4-91\)/)
})

const errorsOf = async (text: string) => {
  await using bench = await makeBench()
  const { stdout } = await bench.verbena(['render', '-f', '-', '-o', 'json'], text)
  return JSON.parse(stdout).errors
}

for (const { does, text, is, message } of [
  {
    does: 'a pool of a family that is off',
    text: join(settings('enableIPv4: false'), POOL),
    is: ['SpiderIPPool/v4-91', 'Forbidden', 'spec.ipVersion'],
    message: /IPv4 is disabled/,
  },
  {
    does: 'a pool outside its subnet',
    text: join(SUBNET, POOL.replace('172.91.0.100-', '172.91.0.90-')),
    is: ['SpiderIPPool/v4-91', 'Forbidden', 'spec.ips'],
    message: /172\.91\.0\.90-172\.91\.0\.99 is not in SpiderSubnet s91/,
  },
  {
    does: 'a subnet that leaves a pool out',
    text: join(POOL, SUBNET.replace('172.91.0.200', '172.91.0.110')),
    is: ['SpiderSubnet/s91', 'Invalid', 'spec.ips'],
    message: /172\.91\.0\.111-172\.91\.0\.120 of pool v4-91/,
  },
  {
    does: 'a reserved range the wrong way round',
    text: RESERVED.replace('[', '[172.91.0.9, ').replace(/\.100-(172.91.0).103/, '.103-$1.100'),
    is: ['SpiderReservedIP/routers', 'Invalid', 'spec.ips[1]'],
    message: /172\.91\.0\.103-172\.91\.0\.100/,
  },
  {
    does: 'a workload that wants a subnet which is not there',
    text: deployment('+1'),
    is: [
      'Deployment/tenant/web',
      'Invalid',
      'spec.template.metadata.annotations[ipam.spidernet.io/subnet]',
    ],
    message: /"s91": there is no such SpiderSubnet/,
  },
  {
    does: 'a workload of a vendor that nobody knows, without a number',
    text: join(
      SUBNET,
      deployment('+1').replace('apps/v1', 'example.com/v1').replace('Deployment', 'Flock'),
    ),
    is: [
      'Flock/tenant/web',
      'Invalid',
      'spec.template.metadata.annotations[ipam.spidernet.io/ippool-ip-number]',
    ],
    message: /a Flock needs a fixed number/,
  },
  {
    does: 'settings that are no YAML',
    text: settings('{'),
    is: ['ConfigMap/kube-system/spiderpool-conf', 'Invalid', 'data[conf.yml]'],
    message: /no YAML/,
  },
  {
    does: 'a setting of another type',
    text: settings('enableIPv4: 7'),
    is: ['ConfigMap/kube-system/spiderpool-conf', 'TypeInvalid', 'data[conf.yml].enableIPv4'],
    message: /7/,
  },
]) {
  test(`render gives one error for ${does}`, async () => {
    const errors = await errorsOf(text)
    equal(errors.length, 1)
    const [error] = errors
    deepEqual([error.object, error.reason, error.field], is)
    match(error.message, message)
  })
}

test('a workload of a vendor that nobody knows has a pool by a fixed number', async () => {
  await using bench = await makeBench()
  const flock = deployment('4').replace('apps/v1', 'example.com/v1').replace('Deployment', 'Flock')
  const { stdout } = await bench.verbena(['apply', '-f', '-'], join(SUBNET, flock))
  match(stdout, /flock\.example\.com\/web created\n.*auto4-web-eth0-\w{5} created\n$/)
})

test('apply frees what was kept for pods of a set that is smaller now', async () => {
  await using bench = await makeBench()
  const set = (replicas: number) => `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  replicas: ${replicas}
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: db }] }
`
  await bench.verbena(['apply', '-f', '-'], join(POOL, set(2)))
  const one = allocation('172.91.0.101', 'db-1')
  const spec = { ...Object(one['spec']), controller: 'StatefulSet/db' }
  await bench.put({ ...one, spec, status: { state: 'kept' } })
  const { stderr } = await bench.verbena(['apply', '-f', '-'], set(1))
  match(stderr, /172\.91\.0\.101 was kept for a pod that will not come: it is free/)
  match((await bench.verbena(['get', 'allocation'])).stderr, /No resources found/)
})
