import { deepEqual, equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { allocation, makeBench, MANIFESTS, POOL } from './cli-in-memory.ts'

const NETWORK = join(MANIFESTS, 'ipoib-network.yaml')
const DAEMON_SET = join(MANIFESTS, 'ipoib-daemonset.yaml')

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
  await bench.put(allocation('172.91.0.100', 'ipoib-psf4q'))
  const shorter = POOL.replace('172.91.0.100-', '172.91.0.101-')
  const { status, stderr } = await bench.verbena(['apply', '-f', '-'], shorter)
  equal(status, 1)
  match(stderr, /spec\.ips: .*ipoib-psf4q/)
})

test('a deleted pool that holds addresses is terminating, and goes with the last one', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await bench.put(allocation('172.91.0.100', 'ipoib-psf4q'))
  const first = await bench.verbena(['delete', 'sp', 'v4-91'])
  equal(first.status, 0)
  equal(first.stdout, 'spiderippool.spiderpool.spidernet.io/v4-91 is terminating\n')
  match(first.stderr, /^Warning: pool v4-91 .* holds 1 \(default\/ipoib-psf4q\)/)
  const pool = await bench.verbena(['get', 'sp', 'v4-91', '-o', 'json'])
  equal(JSON.parse(pool.stdout).metadata.deletionTimestamp, '2026-01-01T00:02:00Z')
  await bench.verbena(['delete', 'allocation', '172.91.0.100'])
  const second = await bench.verbena(['get', 'sp', 'v4-91'])
  match(second.stderr, /Cannot find spiderippools v4-91/)
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

test('apply by several at once ends with one of their forms, and nobody fails', async () => {
  await using bench = await makeBench()
  const ends = ['120', '121', '122', '123', '124', '125']
  const all = ends.map((end) => {
    const text = POOL.replace('172.91.0.120', `172.91.0.${end}`)
    return bench.verbena(['apply', '-f', '-'], text)
  })
  for (const { status, stderr } of await Promise.all(all)) {
    equal(stderr, '')
    equal(status, 0)
  }
})
