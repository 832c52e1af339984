/**
 * The fabric of ground vm: kernel modules ib_ipoib and ibfake, one software HCA
 * for each IPoIB parent of each node. The netdev of the HCA moves into the
 * node's namespace; the RDMA device stays where it is (RDMA mode shared).
 * @module
 */
import { existsSync } from 'node:fs'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fail } from '#apps/failures.ts'
import { demand } from './command.ts'
import { type Run, netnsName } from './run.ts'
import type { Wire } from './wire.ts'

export type HcaWireOptions = {
  readonly run: Run
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** For parents that are no IPoIB interfaces. */
  readonly bridges: Wire
}

/** Emulated adapters of the test bed that ibfake would take as HCAs. */
const PCI = ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0', '0000:04:00.0']
const CLASS = '/sys/class/infiniband'
const DEVICE_MS = 20_000
const POLL_MS = 100

export function hcaWire({ run, env, signal, bridges }: HcaWireOptions): Wire {
  const call = (...words: readonly string[]) => demand({ words, env, signal, timeoutMs: 60_000 })
  const laid: { readonly node: string; readonly device: string }[] = []
  return {
    async lay(parents) {
      await bridges.lay(parents.filter(({ kind }) => kind === 'ethernet'))
      const ports = parents.filter(({ kind }) => kind === 'ipoib')
      await loadModules(ports.length, call)
      const netdevs = await awaitNetdevs(ports.length)
      for (const [i, { node, name }] of ports.entries()) {
        const { device, netdev } = netdevs[i] ?? { device: '', netdev: '' }
        await call('ip', 'link', 'set', netdev, 'netns', netnsName(run, node), 'name', name)
        laid.push({ node, device })
      }
    },
    rdmaDevices: () => Promise.resolve(laid.map(({ device }) => device)),
    async cut(node) {
      await bridges.cut(node)
      for (const { device } of laid.filter((one) => one.node === node)) {
        await writeFile(`${CLASS}/${device}/fake/link`, '0')
      }
    },
    async remove() {
      await bridges.remove()
      const words = ['modprobe', '-r', 'ibfake', 'ib_ipoib']
      await demand({ words, env, timeoutMs: 60_000 })
    },
  }
}

/** As many HCAs as parents: on the emulated adapters first, then without one. */
async function loadModules(
  count: number,
  call: (...words: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const spare = PCI.slice(count)
  for (const pci of spare) {
    await writeFile(`/sys/bus/pci/devices/${pci}/driver_override`, 'igb')
  }
  const more = Math.max(count - PCI.length, 0)
  await call('modprobe', 'ib_ipoib')
  await call('modprobe', 'ibfake', 'name=mlx5_%d', 'pkeys=0xffff', `hcas=${more}`)
}

type Port = { readonly device: string; readonly netdev: string }

/** RDMA devices with their own netdevs, found by the GUID that both bear. */
async function awaitNetdevs(count: number): Promise<readonly Port[]> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const found = await ports()
    if (found.length >= count) return found
    if (waitedMs >= DEVICE_MS) {
      throw fail('lab-waited', { what: `${count} HCAs`, seconds: DEVICE_MS / 1_000 })
    }
    await setTimeout(POLL_MS)
  }
}

async function ports(): Promise<Port[]> {
  if (!existsSync(CLASS)) return []
  const netdevs = new Map<string, string>()
  for (const netdev of await readdir('/sys/class/net')) {
    const address = await readText(`/sys/class/net/${netdev}/address`)
    if (address.split(':').length === 20) netdevs.set(guidText(address), netdev)
  }
  const devices = (await readdir(CLASS)).toSorted()
  const all = devices.map(async (device) => {
    const gid = await readText(`${CLASS}/${device}/ports/1/gids/0`)
    const netdev = netdevs.get(gid.split(':').slice(-4).join(''))
    return netdev === undefined ? [] : [{ device, netdev }]
  })
  return (await Promise.all(all)).flat()
}

/** Last 8 bytes as 16 hex digits: the port's GUID. */
function guidText(address: string): string {
  return address.split(':').slice(-8).join('')
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
}
