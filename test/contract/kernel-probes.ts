/**
 * Probes, announcements and hardware addresses, as every `Kernel` takes them:
 * over a veth, whose other end is somebody on the pod's network.
 * @module
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { failureIn } from '#values/failure.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Probe } from '#values/probe.ts'
import { type Step, undoOf } from '#values/step.ts'
import { PEER, veth } from './kernel-plan.ts'
import { type ContractWorld, linkAt, macvlan, stateOf, type WithWorld } from './kernel-world.ts'

const TEMP = parseIfName('vbct0')
const HOLDER = '02:00:00:00:10:02'
const TAKEN = [parseIp('10.99.0.9'), parseIp('fd99::9')]
const FREE = [parseIp('10.99.0.8'), parseIp('fd99::8')]

export function probeContract(withWorld: WithWorld): void {
  withWorld('probe tells who has an address, and is silent about a free one', async (world) => {
    await world.kernel.take(pairWithHolder(world))
    const before = await stateOf(world)
    for (const [i, taken] of TAKEN.entries()) {
      const free = FREE[i] ?? taken
      await world.kernel.take([probeOf(world, { ip: free, conflict: true })])
      await rejects(
        world.kernel.take([probeOf(world, { ip: taken, conflict: true })]),
        (thrown) => {
          const failure = failureIn(thrown)
          equal(failure?.code, 'ip-conflict')
          const { address, holder, pool, ifName } = failure.details
          deepEqual([address, holder, pool, ifName], [taken, HOLDER, 'a-pool', TEMP])
          return true
        },
      )
    }
    deepEqual(await stateOf(world), before, 'it changes nothing')
  })

  withWorld('probe misses a gateway that does not answer, and no other', async (world) => {
    await world.kernel.take(pairWithHolder(world))
    for (const [i, taken] of TAKEN.entries()) {
      const ip = FREE[i] ?? taken
      await world.kernel.take([probeOf(world, { ip, gateway: taken })])
      await rejects(world.kernel.take([probeOf(world, { ip: taken, gateway: ip })]), {
        code: 'gateway-unreachable',
      })
    }
  })

  withWorld('probe of a link that is not there is refused', async (world) => {
    const step = probeOf(world, { conflict: true })
    await rejects(world.kernel.take([step]), { code: 'kernel-refused' })
  })

  withWorld('announce of a link without carrier, or of none, is no failure', async (world) => {
    const { pod: where, kernel } = world
    await kernel.take([announceOf(world)])
    const up = { do: 'set-link', where, link: TEMP, set: { up: true } } as const
    await kernel.take([veth(world), up, announceOf(world)])
  })

  withWorld('set-link address is taken back by what it was', async (world) => {
    const { pod: where, kernel } = world
    const made = macvlan(world)
    await kernel.take([made])
    const address = parseHardwareAddress('0a:1b:0a:63:00:07')
    const was = { address: (await linkAt(world, where, TEMP)).address ?? address }
    const step: Step = { do: 'set-link', where, link: TEMP, set: { address }, was }
    await kernel.take([step])
    equal((await linkAt(world, where, TEMP)).address, address)
    await kernel.take(undoOf(step))
    equal((await linkAt(world, where, TEMP)).address, was.address)
  })
}

function probeOf({ pod: where }: ContractWorld, of: Partial<Probe>): Step {
  const probe = { ip: parseIp('10.99.0.8'), conflict: false, gateway: undefined, pool: 'a-pool' }
  return { do: 'probe', where, link: TEMP, probes: [{ ...probe, ...of }] }
}

function announceOf({ pod: where }: ContractWorld): Step {
  return { do: 'announce', where, link: TEMP, ips: FREE }
}

/** A veth that carries, with the addresses that are taken on the host's end. */
function pairWithHolder(world: ContractWorld): Step[] {
  const up = (where: 'host' | ContractWorld['pod'], link: typeof TEMP): Step => ({
    do: 'set-link',
    where,
    link,
    set: { addrGenMode: 'none', up: true },
  })
  const cidrs = [parseCidr('10.99.0.9/24'), parseCidr('fd99::9/64')]
  return [
    veth(world),
    up(world.pod, TEMP),
    up('host', PEER),
    ...cidrs.map((cidr): Step => ({ do: 'add-address', where: 'host', link: PEER, cidr })),
  ]
}
