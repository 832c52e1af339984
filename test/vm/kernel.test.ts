/**
 * The contract of a kernel on the kernel's own ib_ipoib: every step in place,
 * and children made in the host's namespace and then moved, as over mlx5_core.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { closeSync, existsSync, openSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { hostKernel } from '#host/kernel.ts'
import type { Kernel } from '#needs/kernel.ts'
import { parseIfName } from '#values/if-name.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'
import type { Step } from '#values/step.ts'
import { type ContractWorld, kernelContract } from '#test/contract/kernel.ts'
import { RULE } from '#test/contract/kernel-world.ts'
import { loadFabric, unloadFabric } from './fabric.ts'
import { OUTSIDE, waitFor } from './guest.ts'
import { demand, ip, ipBatch, within } from './program.ts'

const HOST = 'vbk-host'
const UP = parseIfName('up0')
const SPARE = parseIfName('spare0')
const IB = parseIfName('ib0')
/** What children are called in the contract. */
const NAMES = ['vbct0', 'net1', IB, SPARE].map(parseIfName)
const INITIAL = parseNetnsPath('/proc/1/ns/net')
let made = 0
let hostNetns = -1

/** One namespace stands for the host in all tests; what they leave there goes with their pods. */
before(async () => {
  if (OUTSIDE !== false) return
  await loadFabric('built-in')
  await ipBatch([
    `netns add ${HOST}`,
    `link set ${IB} netns ${HOST}`,
    `link add ${UP} netns ${HOST} type veth peer name up1 netns ${HOST}`,
    `link add ${SPARE} netns ${HOST} type veth peer name spare1 netns ${HOST}`,
  ])
  await demand(['modprobe', '-a', '8021q', 'ipvlan', 'bonding'])
  // without link-local addresses nothing of the host changes while a test looks at it
  const links = [UP, 'up1', SPARE, 'spare1', IB]
  await ipBatch(
    links.map((link) => `link set ${link} addrgenmode none up`),
    HOST,
  )
  // a link that comes back from a pod takes over what is so by default
  const noLocal = 'echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode'
  await demand([...within(HOST), 'sh', '-c', noLocal])
  hostNetns = openSync(`/run/netns/${HOST}`, 'r')
  const kernel = hostKernel({ hostNetns })
  await waitFor('the carrier of the parent', async () => {
    return (await kernel.link('host', IB))?.carrier === true
  })
})

after(async () => {
  if (OUTSIDE !== false) return
  closeSync(hostNetns)
  await ip('-n', HOST, 'link', 'set', IB, 'netns', '1')
  await ip('netns', 'del', HOST)
  await unloadFabric()
})

async function open(disguise: (kernel: Kernel) => Kernel): Promise<ContractWorld> {
  const name = `vbk-pod-${made++}`
  const pod = parseNetnsPath(`/run/netns/${name}`)
  await ip('netns', 'add', name)
  const real = hostKernel({ hostNetns })
  const removeNetns = async (): Promise<void> => {
    if (existsSync(pod)) await ip('netns', 'del', name)
  }
  return {
    kernel: disguise(real),
    pod,
    ethernetParent: UP,
    ipoibParent: IB,
    spare: SPARE,
    stacks: true,
    unmark: async (where, link, group) => {
      const netns = where === 'host' ? HOST : name
      await ip('-n', netns, 'link', 'set', link, 'group', String(group), 'alias', '')
    },
    removeNetns,
    close: async () => {
      await leaveNothing(real, pod)
      await removeNetns()
      await restore(real)
      await waitFor('the host as it was', async () => (await real.links('host')).length === 6)
      const ours = (await real.links(INITIAL)).filter(({ group }) => group === VERBENA_GROUP)
      deepEqual(ours, [], 'links of ours in the initial namespace')
    },
    neighbours: (where) => ip('-n', where === 'host' ? HOST : name, 'neigh'),
  }
}

/** The kernel would give children back to the initial namespace: they are deleted before. */
async function leaveNothing(kernel: Kernel, pod: NetnsPath): Promise<void> {
  await kernel.take([
    { do: 'remove-rule', where: 'host', rule: RULE },
    { do: 'delete-link', netns: pod, names: NAMES, mark: undefined, kind: 'ipoib' },
  ])
}

/** What is shared stays, and a veth that was lent goes with its pod. */
async function restore(kernel: Kernel): Promise<void> {
  const names = (await kernel.links('host')).map(({ name }) => name)
  const shared = names.filter((name) => name === 'vbbond' || name === 'vbct.100')
  const pair = `link add ${SPARE} netns ${HOST} type veth peer name spare1 netns ${HOST}`
  const up = [SPARE, 'spare1'].map((link) => `link set ${link} addrgenmode none up`)
  if (!names.includes(SPARE)) await ipBatch([pair])
  const lines = [...shared.map((name) => `link del ${name}`), ...up]
  await ipBatch(lines, HOST)
}

/**
 * The same kernel, but links are made in the host's namespace and then moved: those
 * that get their names afterwards.
 */
function moving(kernel: Kernel): Kernel {
  const moved = (step: Step): Step => {
    const isNamed = step.do !== 'create-link' || step.temp === step.name
    return isNamed ? step : { ...step, way: 'move' }
  }
  return { ...kernel, take: (steps) => kernel.take(steps.map(moved)) }
}

if (OUTSIDE === false) {
  kernelContract('ib_ipoib in place', () => open((kernel) => kernel))
  kernelContract('ib_ipoib by way of the host', () => open(moving), 'ipoib')
} else {
  test('ib_ipoib as a Kernel', { skip: OUTSIDE }, () => {})
}
