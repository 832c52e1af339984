/**
 * The contract of a kernel on the kernel's own ib_ipoib: every step in place,
 * and by way of the host's namespace, as a parent over mlx5_core needs it.
 * @module
 */
import { deepEqual, ok } from 'node:assert/strict'
import { closeSync, existsSync, openSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { hostKernel } from '#host/kernel.ts'
import type { Kernel } from '#needs/kernel.ts'
import { parseIfName } from '#values/if-name.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { type ContractWorld, kernelContract } from '#test/contract/kernel.ts'
import { loadFabric, unloadFabric } from './fabric.ts'
import { OUTSIDE, ip, ipBatch, vmTest } from './guest.ts'
import { linksOf } from './pod.ts'

const HOST = 'vbk-host'
const UP = parseIfName('up0')
const IB = parseIfName('ib0')
let made = 0

before(async () => {
  if (OUTSIDE === false) await loadFabric('built-in')
})

after(async () => {
  if (OUTSIDE === false) await unloadFabric()
})

/** A host of its own for each test, with an Ethernet parent and the port of an HCA. */
async function open(disguise: (kernel: Kernel) => Kernel): Promise<ContractWorld> {
  const pod = `vbk-pod-${made++}`
  await ipBatch([
    `netns add ${HOST}`,
    `netns add ${pod}`,
    `link set ${IB} netns ${HOST}`,
    `link add ${UP} netns ${HOST} type veth peer name up1 netns ${HOST}`,
  ])
  // without link-local addresses nothing of the host changes while a test looks at it
  await ipBatch(
    [
      ...[UP, 'up1', IB].map((link) => `link set ${link} addrgenmode none up`),
      'addr flush dev ib0',
    ],
    HOST,
  )
  const hostNetns = openSync(`/run/netns/${HOST}`, 'r')
  const removeNetns = async (): Promise<void> => {
    if (existsSync(`/run/netns/${pod}`)) await ip('netns', 'del', pod)
  }
  return {
    kernel: disguise(hostKernel({ hostNetns })),
    pod: parseNetnsPath(`/run/netns/${pod}`),
    ethernetParent: UP,
    ipoibParent: IB,
    removeNetns,
    close: async () => {
      closeSync(hostNetns)
      await ip('-n', HOST, 'link', 'set', IB, 'netns', '1')
      await removeNetns()
      await ip('netns', 'del', HOST)
    },
    neighbours: (where) => ip('-n', where === 'host' ? HOST : pod, 'neigh'),
  }
}

/** The same kernel, but every link is made in the host's namespace and then moved. */
function moving(kernel: Kernel): Kernel {
  return {
    ...kernel,
    take: (steps) =>
      kernel.take(
        steps.map((step) => (step.do === 'create-link' ? { ...step, way: 'move' } : step)),
      ),
  }
}

if (OUTSIDE === false) {
  kernelContract('ib_ipoib in place', () => open((kernel) => kernel))
  kernelContract('ib_ipoib by way of the host', () => open(moving))
} else {
  test('ib_ipoib as a Kernel', { skip: OUTSIDE }, () => {})
}

vmTest('the contract left no link of ours in the initial namespace', async () => {
  ok(!(await ip('link', 'show', 'group', String(VERBENA_GROUP))).includes('ib'))
  deepEqual(
    (await linksOf(undefined)).filter((name) => !/^ib\d$/.test(name)),
    [],
  )
})
