/**
 * The kernel of this machine, in namespaces made for the purpose: the one that
 * stands for the host's has a veth pair, so that nothing else is touched.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Kernel } from '#needs/kernel.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { makingGroup } from '#values/mark.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'
import { type CreateLink, undoOf } from '#values/step.ts'
import { type ContractWorld, kernelContract } from '#test/contract/kernel.ts'
import { hostKernel } from './kernel.ts'

const ADDON = process.env['VERBENA_NATIVE'] ?? join(import.meta.dirname, '../../build/netns.node')
const LACKS =
  process.getuid?.() !== 0
    ? 'not root'
    : existsSync(ADDON)
      ? undefined
      : 'build/netns.node is absent: run make native'
const TIMEOUT_MS = 60_000
const UP = parseIfName('up0')
const SPARE = parseIfName('spare0')
const TEMP = parseIfName('vbht0')
const NET1 = parseIfName('net1')
const MARK = 'verbena host test'
const PEER_MAC = parseHardwareAddress('02:00:00:00:20:01')

type World = ContractWorld & { readonly host: string; readonly hostFd: number }
let made = 0

const ip = (...words: readonly string[]): string =>
  execFileSync('ip', words, { encoding: 'utf8', timeout: 10_000 })

async function open(): Promise<World> {
  const name = `vbn-h-${process.pid}-${made++}`
  const [host, pod] = [`${name}h`, `${name}p`]
  ip('netns', 'add', host)
  ip('netns', 'add', pod)
  ip('-n', host, 'link', 'add', UP, 'type', 'veth', 'peer', 'name', 'up1')
  // Without link-local addresses nothing of the host changes while a test looks at it.
  // and a link that comes back from a pod takes over what is so by default
  const noLocal = 'echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode'
  ip('netns', 'exec', host, 'sh', '-c', noLocal)
  ip('-n', host, 'link', 'add', SPARE, 'type', 'veth', 'peer', 'name', 'spare1')
  for (const link of [UP, 'up1', SPARE, 'spare1']) {
    ip('-n', host, 'link', 'set', link, 'addrgenmode', 'none', 'up')
  }
  ip('-n', host, 'addr', 'add', '172.16.0.1/24', 'dev', UP)
  const hostFd = openSync(`/run/netns/${host}`, 'r')
  const removeNetns = async (): Promise<void> => {
    if (existsSync(`/run/netns/${pod}`)) ip('netns', 'del', pod)
  }
  return {
    kernel: hostKernel({ hostNetns: hostFd }),
    pod: parseNetnsPath(`/run/netns/${pod}`),
    ethernetParent: UP,
    ipoibParent: undefined,
    spare: SPARE,
    stacks: false,
    unmark: async (where, link, group) => {
      const netns = where === 'host' ? host : pod
      ip('-n', netns, 'link', 'set', link, 'group', String(group), 'alias', '')
    },
    removeNetns,
    host,
    hostFd,
    close: async () => {
      closeSync(hostFd)
      await removeNetns()
      ip('netns', 'del', host)
    },
    neighbours: async (where) =>
      where === 'host' ? ip('-n', host, 'neigh') : ip('-n', pod, 'neigh'),
  }
}

if (LACKS === undefined) kernelContract('host (root)', open)
else test('host (root) as a Kernel', { skip: LACKS }, () => {})

function rootTest(does: string, act: (world: World) => Promise<void>): void {
  test(`${does} (root)`, { skip: LACKS ?? false, timeout: TIMEOUT_MS }, async () => {
    const world = await open()
    try {
      await act(world)
    } finally {
      await world.close()
    }
  })
}

function macvlan(pod: NetnsPath, more: Partial<CreateLink> = {}): CreateLink {
  return {
    do: 'create-link',
    netns: pod,
    way: 'in-place',
    temp: TEMP,
    name: NET1,
    mark: MARK,
    spec: { kind: 'macvlan', parent: UP, mode: 'bridge' },
    mtu: undefined,
    address: undefined,
    ...more,
  }
}

const below = (numbers: readonly number[]): (() => number) => {
  let at = 0
  return () => numbers[Math.min(at++, numbers.length - 1)] ?? 0
}

for (const way of ['in-place', 'move'] as const) {
  rootTest(`take() chooses another index when one is taken (${way})`, async ({ hostFd, pod }) => {
    // Twice the same, then a free one: for the second link the first choice is taken.
    const random = { below: below([5, 5, 5, 6]), uuid: () => '' }
    const kernel = hostKernel({ hostNetns: hostFd, random })
    await kernel.take([macvlan(pod, { way })])
    await kernel.take([macvlan(pod, { way, temp: parseIfName('vbht1'), mark: `${MARK} 2` })])
    const links = await kernel.links(pod)
    deepEqual(
      links.map(({ name, index }) => [name, index]),
      [
        ['lo', 1],
        ['vbht0', 1005],
        ['vbht1', 1006],
      ],
    )
  })

  rootTest(`take() gives up when every index is taken (${way})`, async ({ hostFd, pod }) => {
    const kernel = hostKernel({ hostNetns: hostFd, random: { below: () => 5, uuid: () => '' } })
    await kernel.take([macvlan(pod, { way })])
    await rejects(kernel.take([macvlan(pod, { way, temp: parseIfName('vbht1') })]), {
      code: 'kernel-refused',
    })
  })
}

for (const taken of ['pod', 'host']) {
  rootTest(`take() does not try again for a name that is taken in the ${taken}`, async (world) => {
    const { pod, host, hostFd } = world
    const peer = { name: parseIfName('peer0'), address: PEER_MAC, mtu: 1500 }
    const step = macvlan(pod, { temp: NET1, spec: { kind: 'veth', peer } })
    const netns = taken === 'pod' ? pod.slice('/run/netns/'.length) : host
    for (const name of [NET1, peer.name]) ip('-n', netns, 'link', 'add', name, 'type', 'bridge')
    const asked: number[] = []
    const random = { below: (most: number) => asked.push(most), uuid: () => '' }
    const kernel = hostKernel({ hostNetns: hostFd, random })
    await rejects(kernel.take([step]), { code: 'kernel-refused' })
    equal(asked.length, 2, 'an index for each end, once')
  })
}

for (const state of ['marked', 'not marked yet']) {
  rootTest(`delete-link finds a link that the pod renamed, ${state}`, async (world) => {
    const { kernel, pod, host } = world
    await kernel.take([macvlan(pod)])
    if (state !== 'marked') await world.unmark(pod, TEMP, makingGroup(MARK))
    ip('netns', 'exec', pod.slice('/run/netns/'.length), 'ip', 'link', 'set', TEMP, 'name', 'mine')
    await kernel.take(undoOf(macvlan(pod)))
    deepEqual(
      (await kernel.links(pod)).map(({ name }) => name),
      ['lo'],
    )
    ok(ip('-n', host, 'link').includes(UP))
  })
}

rootTest(
  'delete-link finds a link that came back to the host under another name',
  async (world) => {
    const { kernel, pod, host } = world
    const name = pod.slice('/run/netns/'.length)
    await kernel.take([macvlan(pod)])
    ip('-n', name, 'link', 'set', TEMP, 'name', 'dev0', 'netns', host)
    await world.removeNetns()
    await kernel.take(undoOf(macvlan(pod)))
    equal(await kernel.link('host', parseIfName('dev0')), undefined)
  },
)

rootTest('delete-link leaves a foreign link of the same name', async ({ kernel, pod, host }) => {
  ip('-n', host, 'link', 'add', NET1, 'type', 'bridge')
  ip('-n', pod.slice('/run/netns/'.length), 'link', 'add', NET1, 'type', 'bridge')
  await kernel.take(undoOf(macvlan(pod)))
  equal((await kernel.link('host', NET1))?.kind.kind, 'bridge')
  equal((await kernel.link(pod, NET1))?.kind.kind, 'bridge')
})

rootTest('take() deletes several links side by side', async ({ kernel, pod }) => {
  const steps = Array.from({ length: 6 }, (_, n) =>
    macvlan(pod, { temp: parseIfName(`vbht${n}`), mark: `${MARK} ${n}` }),
  )
  await kernel.take(steps)
  equal((await kernel.links(pod)).length, 7)
  await kernel.take(steps.flatMap(undoOf))
  deepEqual(
    (await kernel.links(pod)).map(({ name }) => name),
    ['lo'],
  )
})

rootTest('take() makes links of 32 pods side by side', async ({ kernel, pod }) => {
  const steps = Array.from({ length: 32 }, (_, n) =>
    macvlan(pod, { temp: parseIfName(`vbht${n}`), mark: `${MARK} ${n}` }),
  )
  await Promise.all(steps.map((step) => kernel.take([step])))
  equal((await kernel.links(pod)).length, 33)
  await Promise.all(steps.map((step) => kernel.take(undoOf(step))))
  equal((await kernel.links(pod)).length, 1)
})

rootTest(
  'take() does nothing over a link that is gone, and tells one that changed',
  async (world) => {
    const { kernel, pod, host } = world
    const seen = await kernel.link('host', UP)
    if (seen === undefined) throw new Error('no master')
    const step = macvlan(pod)
    await kernel.take([step], [seen])
    await kernel.take(undoOf(step))
    ip('-n', host, 'link', 'set', UP, 'mtu', '1400')
    await rejects(kernel.take([step], [seen]), { code: 'link-changed' })
    await kernel.take(undoOf(step))
    ip('-n', host, 'link', 'del', UP)
    await rejects(kernel.take([step], [seen]), { code: 'link-changed' })
    equal((await kernel.links(pod)).length, 1)
  },
)

rootTest("take() says a refusal in the kernel's words", async ({ kernel, pod }) => {
  const step = macvlan(pod, { mtu: 20 })
  await rejects(kernel.take([step]), (thrown: Error) => {
    ok(thrown.message.startsWith(`Cannot create-link ${NET1} over ${UP}: mtu less than`))
    return true
  })
})

rootTest('netns() tells a namespace, the own one, and a file that is none', async (world) => {
  const { kernel, host, hostFd } = world
  const file = join(tmpdir(), `${host}.txt`)
  writeFileSync(file, '')
  try {
    deepEqual(await kernel.netns(parseNetnsPath(file)), { netns: 'foreign' })
    await rejects(kernel.links(parseNetnsPath(file)), { code: 'netns-foreign' })
  } finally {
    rmSync(file)
  }
  const own: Kernel['netns'] = (path) => kernel.netns(path)
  const host1 = await own(parseNetnsPath(`/run/netns/${host}`))
  ok(host1.netns === 'there' && host1.own)
  const self = await own(parseNetnsPath('/proc/self/ns/net'))
  ok(self.netns === 'there' && self.own)
  deepEqual(await own(parseNetnsPath('/proc/999999999/ns/net')), { netns: 'gone' })
  ok(hostFd > 0)
})

rootTest('netns() does not wait for the other end of a pipe', async ({ kernel, host }) => {
  const pipe = join(tmpdir(), `${host}.fifo`)
  execFileSync('mkfifo', [pipe])
  try {
    deepEqual(await kernel.netns(parseNetnsPath(pipe)), { netns: 'foreign' })
  } finally {
    rmSync(pipe)
  }
})

rootTest("a path is looked for below the host's root", async ({ hostFd, pod }) => {
  const kernel = hostKernel({ hostNetns: hostFd, hostRoot: '/proc/self/root' })
  equal((await kernel.netns(pod)).netns, 'there')
  equal((await kernel.links(pod)).length, 1)
})

rootTest('sourceToward() gives the address of the way out, if there is one', async ({ kernel }) => {
  equal(await kernel.sourceToward(parseIp('172.16.0.77')), '172.16.0.1')
  equal(await kernel.sourceToward(parseIp('192.0.2.1')), undefined)
  equal(await kernel.sourceToward(parseIp('fd00::1')), undefined)
})

rootTest('sysctl() gives values without the line end, and stays in /proc/sys', async (world) => {
  const { kernel, pod } = world
  equal(await kernel.sysctl(pod, 'net/ipv4/ip_forward'), '0')
  equal(await kernel.sysctl(pod, 'net/ipv4/conf/none/forwarding'), undefined)
  await rejects(kernel.sysctl(pod, 'net/../../../etc/hostname'), { code: 'sysctl-invalid' })
})
