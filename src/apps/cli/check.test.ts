import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { allocation, type Bench, makeBench, pod, POOL, serveStatus } from './cli-in-memory.ts'

/** A store with the guide's pool and a pod that is known. */
async function filled(...documents: readonly Document[]): Promise<Bench> {
  const bench = await makeBench()
  await bench.verbena(['apply', '-f', '-'], POOL)
  await bench.put(pod('ipoib-psf4q', '172.91.0.100'), ...documents)
  return bench
}

async function uidOfPod(bench: Bench): Promise<string> {
  const { stdout } = await bench.verbena(['get', 'pod', 'ipoib-psf4q', '-o', 'json'])
  return JSON.parse(stdout).metadata.uid
}

function heldBy(uid: string, address: string): Document {
  return allocation(address, 'ipoib-psf4q', uid)
}

test('check exits with 0 when every invariant holds', async () => {
  await using bench = await filled()
  await bench.put(heldBy(await uidOfPod(bench), '172.91.0.100'))
  deepEqual(await bench.verbena(['check']), {
    status: 0,
    stdout: '1 allocations of 1 pools: all is as it must be\n',
    stderr: '',
  })
})

for (const { what, made, says } of [
  {
    what: 'a holder that does not exist',
    made: (_: string) => [allocation('172.91.0.101', 'gone')],
    says: /pod default\/gone .*does not exist +verbena delete allocation 172\.91\.0\.101$/m,
  },
  {
    what: 'an address outside its pool',
    made: (uid: string) => [heldBy(uid, '172.91.0.99')],
    says: /outside the addresses of pool v4-91 +verbena delete allocation 172\.91\.0\.99$/m,
  },
  {
    what: 'an owner with two addresses of a pool',
    made: (uid: string) => [heldBy(uid, '172.91.0.100'), heldBy(uid, '172.91.0.101')],
    says: /holds 172\.91\.0\.10\d of the same pool too +verbena delete allocation /m,
  },
]) {
  test(`check finds ${what} and names the command that mends it`, async () => {
    await using bench = await filled()
    await bench.put(...made(await uidOfPod(bench)))
    const { status, stdout } = await bench.verbena(['check'])
    equal(status, 1)
    match(stdout, says)
    match(stdout, /1 findings\n$/)
    const [, mend = ''] = /(verbena delete allocation \S+)/.exec(stdout) ?? []
    equal((await bench.verbena(mend.split(' ').slice(1))).status, 0)
    equal((await bench.verbena(['check'])).status, 0)
  })
}

test('check finds a terminating pool that is empty by now', async () => {
  await using bench = await filled()
  // its agent was killed between the last address and the pool
  await bench.put({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { subnet: '10.9.0.0/24' },
  })
  const { status, stdout } = await bench.verbena(['check', '-o', 'json'])
  equal(status, 1)
  deepEqual(JSON.parse(stdout).findings, [
    {
      object: 'SpiderIPPool/old',
      what: 'it is terminating and holds no address any more',
      mend: 'verbena delete spiderippool old',
    },
  ])
})

test('check finds addresses that are used and not held, as the agent sees it', async () => {
  await using bench = await filled()
  const uid = await uidOfPod(bench)
  await bench.put(heldBy(uid, '172.91.0.100'))
  const owner = { pod: { uid }, network: 'ipoib', containerId: 'c0ffee', ifName: 'eth0' }
  const result = { ips: [{ address: '172.91.0.100/16' }] }
  const other = { ips: [{ address: '172.91.0.105/16' }, { address: '10.1.1.1/24' }] }
  await using agent = await serveStatus(bench, [
    { attachment: `${uid}/eth0`, owner, state: 'attached', result, waiting: [] },
    { attachment: `${uid}/net1`, owner: { ...owner, ifName: 'net1' }, result: other, waiting: [] },
  ])
  const { status, stdout } = await bench.verbena(['check', '--status-socket', agent.path])
  equal(status, 1)
  match(
    stdout,
    /^Allocation\/172\.91\.0\.105 +net1 of container c0ffee uses it, nobody holds it +/m,
  )
  match(stdout, /^1 allocations of 1 pools: 1 findings$/m)
})
