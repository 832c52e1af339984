import { equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { allocation, makeBench, MANIFESTS, pod, serveStatus } from './cli-in-memory.ts'

const NETWORK = join(MANIFESTS, 'ipoib-network.yaml')

/** Ages differ from run to run: the store's own clock stamps what it creates. */
function withoutAges(text: string): string {
  return text.replaceAll(/<invalid>|\d+[smhdy]\S*$/gm, 'AGE').replaceAll(/ +$/gm, '')
}

test('get shows pools with what is given out', async () => {
  await using bench = await makeBench()
  await bench.verbena(['apply', '-f', NETWORK])
  await bench.put(allocation('172.91.0.100', 'a'), allocation('172.91.0.102', 'b'))
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
  await bench.put(pod('ipoib-psf4q', '172.91.0.112'))
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
  await bench.put(allocation('172.91.0.100', 'ipoib-psf4q'))
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
  await bench.put({ ...running, metadata: { ...running.metadata, annotations } })
  const { stdout } = await bench.verbena(['describe', 'pod', 'ipoib-psf4q'])
  match(stdout, /^Name: +ipoib-psf4q$/m)
  match(stdout, /^ {2}eth0 +kube-system\/ipoib +172\.91\.0\.112 +- +default$/m)
})

test('describe says what an attachment of a pod waits for', async () => {
  await using bench = await makeBench()
  await bench.put(pod('ipoib-psf4q', '172.91.0.112'))
  const stored = await bench.verbena(['get', 'pod', 'ipoib-psf4q', '-o', 'json'])
  const { uid } = JSON.parse(stored.stdout).metadata
  const attachment = {
    attachment: `${uid}/eth0`,
    owner: {
      pod: { namespace: 'default', name: 'ipoib-psf4q', uid },
      network: 'ipoib',
      ifName: 'eth0',
    },
    state: 'attached',
    result: { ips: [{ address: '172.91.0.112/16' }] },
    waiting: ['P_Key 0x9001 is not on the port'],
  }
  const agent = await serveStatus(bench, [attachment])
  const words = ['describe', 'pod', 'ipoib-psf4q', '--status-socket', agent.path]
  const { stdout } = await bench.verbena(words)
  await agent[Symbol.asyncDispose]()
  match(stdout, /^Agent of node-1:$/m)
  match(stdout, /^ {2}eth0 +ipoib +attached +P_Key 0x9001 is not on the port$/m)
  const silent = await bench.verbena(words)
  equal(silent.status, 1)
  match(silent.stderr, /^verbena: Cannot ask the agent at .*status\.sock for its status: /)
})
