import { deepEqual, equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { openRecords } from '#store/records.ts'
import { type Bench, makeBench } from './cli-in-memory.ts'
import { programFile } from './version.ts'

const MANIFESTS = programFile('manifests') ?? 'manifests'
const NETWORK = join(MANIFESTS, 'ipoib-network.yaml')
const DAEMON_SET = join(MANIFESTS, 'ipoib-daemonset.yaml')

const POOL = `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: { name: v4-91 }
spec: { subnet: 172.91.0.0/16, gateway: 172.91.0.1, ips: [172.91.0.100-172.91.0.120] }
`

async function put(bench: Bench, ...documents: Document[]): Promise<void> {
  await using records = await openRecords({ path: bench.store })
  for (const document of documents) await records.create(document)
}

function allocation(address: string, podName: string): Document {
  return {
    apiVersion: 'verbena.dev/v1alpha1',
    kind: 'Allocation',
    metadata: { name: address },
    spec: {
      address,
      pool: 'v4-91',
      family: 4,
      podUid: `uid-of-${podName}`,
      podNamespace: 'default',
      podName,
      interface: 'eth0',
      containerId: 'c0ffee',
      node: 'node-1',
      network: 'ipoib',
    },
  }
}

function pod(name: string, podIP: string): Document {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'mofed-test' }], nodeName: 'node-1' },
    status: {
      phase: 'Running',
      podIP,
      containerStatuses: [{ name: 'mofed-test', ready: true, restartCount: 0 }],
    },
  }
}

/** Ages differ from run to run: the store's own clock stamps what it creates. */
function withoutAges(text: string): string {
  return text.replaceAll(/<invalid>|\d+[smhdy]\S*$/gm, 'AGE').replaceAll(/ +$/gm, '')
}

test('apply says created, then unchanged, then configured', async () => {
  await using bench = await makeBench()
  const first = await bench.verbena(['apply', '-f', NETWORK, '-f', DAEMON_SET])
  deepEqual(first, {
    status: 0,
    stdout:
      'spiderippool.spiderpool.spidernet.io/v4-91 created\n' +
      'spidermultusconfig.spiderpool.spidernet.io/ipoib created\n' +
      'daemonset.apps/ipoib created\n' +
      'network-attachment-definition.k8s.cni.cncf.io/ipoib created\n',
    stderr: '',
  })
  const again = await bench.verbena(['apply', '-f', NETWORK, DAEMON_SET])
  equal(again.stdout, first.stdout.replaceAll('created', 'unchanged'))
  const longer = POOL.replace('172.91.0.120', '172.91.0.130')
  const third = await bench.verbena(['apply', '-f', '-'], longer)
  equal(third.stdout, 'spiderippool.spiderpool.spidernet.io/v4-91 configured\n')
})

test('apply gives the NAD its owner, so that it goes with it', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  const smc = await bench.verbena(['get', 'smc', 'ipoib', '-n', 'kube-system', '-o', 'json'])
  const nad = await bench.verbena(['get', 'nad', 'ipoib', '-n', 'kube-system', '-o', 'json'])
  equal(JSON.parse(nad.stdout).metadata.ownerReferences[0].uid, JSON.parse(smc.stdout).metadata.uid)
  const gone = await bench.verbena(['delete', 'smc', 'ipoib', '-n', 'kube-system'])
  equal(gone.stdout, 'spidermultusconfig.spiderpool.spidernet.io/ipoib deleted\n')
  const none = await bench.verbena(['get', 'nad', '-A'])
  deepEqual(none, { status: 0, stdout: '', stderr: 'No resources found\n' })
})

test('apply writes nothing of any file when one document has an error', async () => {
  await using bench = await makeBench()
  const wrong = POOL.replace('v4-91', 'v4-92').replaceAll('172.91.0.0/16', '172.92.0.5/16')
  const bad = await bench.file('bad.yaml', `${wrong}---\n${wrong.replace('v4-92', 'v4-93')}`)
  const { status, stdout, stderr } = await bench.verbena(['apply', '-f', NETWORK, '-f', bad])
  equal(status, 1)
  equal(stdout, '')
  const lines = stderr.trimEnd().split('\n')
  equal(lines.length, 3)
  match(lines[0] ?? '', /^verbena: .*bad\.yaml:1: SpiderIPPool\/v4-92: spec\.subnet: /)
  match(lines[1] ?? '', /^verbena: .*bad\.yaml:6: SpiderIPPool\/v4-93: spec\.subnet: /)
  equal(lines[2], 'verbena: Cannot apply: 2 errors, nothing was written')
  equal((await bench.verbena(['get', 'all', '-A'])).stdout, '')
})

test('apply -o json gives a problem object with all errors', async () => {
  await using bench = await makeBench()
  const wrong = POOL.replace('172.91.0.0/16', '172.91.0.5/16')
  const { status, stderr } = await bench.verbena(['apply', '-f', '-', '-o', 'json'], wrong)
  equal(status, 1)
  const problem = JSON.parse(stderr)
  equal(problem.title, 'documents-refused')
  equal(problem.status, 422)
  equal(problem.details.errors[0].object, 'SpiderIPPool/v4-91')
})

test('apply refuses another subnet for a pool that is stored', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  const other = POOL.replace('172.91.0.0/16', '172.91.0.0/17')
  const { status, stderr } = await bench.verbena(['apply', '-f', '-'], other)
  equal(status, 1)
  match(stderr, /SpiderIPPool\/v4-91: spec\.subnet: Forbidden/)
})

test('apply refuses to take away an address that a pod holds', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await put(bench, allocation('172.91.0.100', 'ipoib-psf4q'))
  const shorter = POOL.replace('172.91.0.100-', '172.91.0.101-')
  const { status, stderr } = await bench.verbena(['apply', '-f', '-'], shorter)
  equal(status, 1)
  match(stderr, /spec\.ips: .*ipoib-psf4q/)
})

test('get shows pools with what is given out', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await put(bench, allocation('172.91.0.100', 'a'), allocation('172.91.0.102', 'b'))
  const { stdout } = await bench.verbena(['get', 'sp'])
  equal(
    stdout,
    'NAME    VERSION   SUBNET          ALLOCATED-IP-COUNT   TOTAL-IP-COUNT   DEFAULT\n' +
      'v4-91   4         172.91.0.0/16   2                    21               false\n',
  )
  const wide = await bench.verbena(['get', 'pools', '-o', 'wide'])
  match(wide.stdout, /FREE\n.* 172\.91\.0\.101,172\.91\.0\.103-172\.91\.0\.120\n$/)
})

test('get shows pods as kubectl does', async () => {
  await using bench = await makeBench()
  await put(bench, pod('ipoib-psf4q', '172.91.0.112'))
  const { stdout } = await bench.verbena(['get', 'pod', '-o', 'wide'])
  const [head = '', row = ''] = stdout.split('\n')
  match(head, /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/)
  match(row, /^ipoib-psf4q +1\/1 +Running +0 +\S+ +172\.91\.0\.112 +node-1 +<none> +<none>$/)
})

test('get -A shows namespaces, -o name one name a line', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  const { stdout } = await bench.verbena(['get', 'smc', '-A'])
  equal(withoutAges(stdout), 'NAMESPACE     NAME    AGE\nkube-system   ipoib   AGE\n')
  const names = await bench.verbena(['get', 'sp,smc', '-A', '-o', 'name'])
  equal(
    names.stdout,
    'spiderippool.spiderpool.spidernet.io/v4-91\n' +
      'spidermultusconfig.spiderpool.spidernet.io/ipoib\n',
  )
  const yaml = await bench.verbena(['get', 'sp', 'v4-91', '-o', 'yaml'])
  match(yaml.stdout, /^apiVersion: spiderpool\.spidernet\.io\/v2beta1\nkind: SpiderIPPool\n/)
})

test('describe shows who holds the addresses of a pool', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await put(bench, allocation('172.91.0.100', 'ipoib-psf4q'))
  const { stdout } = await bench.verbena(['describe', 'pool', 'v4-91'])
  match(stdout, /1 of 21 held, free: 172\.91\.0\.101-172\.91\.0\.120/)
  match(stdout, /172\.91\.0\.100 +default\/ipoib-psf4q +eth0 +node-1/)
})

test('describe shows the networks of a pod', async () => {
  await using bench = await makeBench()
  const status = [
    { name: 'kube-system/ipoib', interface: 'eth0', ips: ['172.91.0.112'], default: true, dns: {} },
  ]
  const running = pod('ipoib-psf4q', '172.91.0.112')
  const annotations = { 'k8s.v1.cni.cncf.io/network-status': JSON.stringify(status) }
  await put(bench, { ...running, metadata: { ...running.metadata, annotations } })
  const { stdout } = await bench.verbena(['describe', 'pod', 'ipoib-psf4q'])
  match(stdout, /^Name: +ipoib-psf4q$/m)
  match(stdout, /^ {2}eth0 +kube-system\/ipoib +172\.91\.0\.112 +- +default$/m)
})

test('delete leaves a pool that holds addresses terminating, then takes it', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await put(bench, allocation('172.91.0.100', 'ipoib-psf4q'))
  const first = await bench.verbena(['delete', 'sp', 'v4-91'])
  equal(first.status, 0)
  equal(first.stdout, 'spiderippool.spiderpool.spidernet.io/v4-91 is terminating\n')
  match(first.stderr, /^Warning: pool v4-91 .* holds 1 \(default\/ipoib-psf4q\)/)
  const pool = await bench.verbena(['get', 'sp', 'v4-91', '-o', 'json'])
  equal(JSON.parse(pool.stdout).metadata.deletionTimestamp, '2026-01-01T00:02:00Z')
  await bench.verbena(['delete', 'allocation', '172.91.0.100'])
  const second = await bench.verbena(['delete', 'sp', 'v4-91'])
  equal(second.stdout, 'spiderippool.spiderpool.spidernet.io/v4-91 deleted\n')
})

test('delete -f takes what its files name, and warns of what is not there', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  const { status, stdout, stderr } = await bench.verbena([
    'delete',
    '-f',
    NETWORK,
    '-f',
    DAEMON_SET,
  ])
  equal(status, 0)
  match(stdout, /v4-91 deleted\nspidermultusconfig\.spiderpool\.spidernet\.io\/ipoib deleted\n$/)
  match(
    stderr,
    /^Warning: .*daemonset\.yaml:1: DaemonSet\/default\/ipoib: it is not in the store\n$/,
  )
})

for (const { words, status, says } of [
  { words: ['get', 'sp', 'v4-92'], status: 1, says: /Cannot find spiderippools v4-92: not found/ },
  {
    words: ['get', 'sandwiches'],
    status: 1,
    says: /Cannot find kind sandwiches: known kinds are /,
  },
  {
    words: ['delete', 'pod', 'nobody'],
    status: 1,
    says: /Cannot find pods nobody in namespace default/,
  },
  { words: ['delete', 'pod'], status: 2, says: /give the name of the pod/ },
  { words: ['delete'], status: 2, says: /give a kind and a name, or -f FILE/ },
  {
    words: ['apply', '-f', '/no/such/file'],
    status: 1,
    says: /Cannot read file \/no\/such\/file: /,
  },
  { words: ['apply'], status: 2, says: /required option '-f, --filename <FILE\.\.\.>'/ },
  { words: ['frobnicate'], status: 2, says: /unknown command 'frobnicate'/ },
  { words: ['get', 'pods', '--colour'], status: 2, says: /unknown option '--colour'/ },
  { words: ['get', 'pods', '-o', 'xml'], status: 2, says: /'xml' is invalid/ },
]) {
  test(`verbena ${words.join(' ')} exits with ${status} and says why on one line`, async () => {
    await using bench = await makeBench()
    await put(bench)
    const ran = await bench.verbena(words)
    equal(ran.status, status)
    equal(ran.stdout, '')
    match(ran.stderr, says)
    match(ran.stderr, /^verbena: [^\n]*\n$/)
  })
}

test('a store that is not there is an error of reading commands only', async () => {
  await using bench = await makeBench()
  const { status, stderr } = await bench.verbena(['get', 'pods', '-o', 'json'])
  equal(status, 1)
  equal(JSON.parse(stderr).title, 'store-absent')
})

test('help shows every command, and each command an example', async () => {
  await using bench = await makeBench()
  const all = await bench.verbena(['--help'])
  equal(all.status, 0)
  const names = ['lab', 'agent', 'apply', 'get', 'describe', 'delete', 'render', 'check', 'version']
  for (const name of names) {
    match(all.stdout, new RegExp(`^  ${name} `, 'm'))
    const one = await bench.verbena([name, '--help'])
    equal(one.status, 0)
    match(one.stdout, new RegExp(`^Example:\\n  verbena ${name}( |\\n)`, 'm'))
  }
})

test('version says what runs', async () => {
  await using bench = await makeBench()
  match(
    (await bench.verbena(['--version'])).stdout,
    /^verbena \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+\)\n$/,
  )
  const { stdout } = await bench.verbena(['version', '-o', 'json'])
  deepEqual(Object.keys(JSON.parse(stdout)), ['verbena', 'node'])
})
