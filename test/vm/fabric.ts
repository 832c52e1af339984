/**
 * The InfiniBand fabric of the virtual machine: four HCAs of ibfake, each on a
 * PCI function of its own, loaded anew for each file of tests.
 *
 * What ibfake does: test/testbed/README.md. P_Keys are 16 bits, written in hex.
 * @module
 */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { waitFor } from './guest.ts'
import { demand, ipBatch, run } from './program.ts'

const DEBUG = '/sys/kernel/debug/ibfake'
const HCAS = 4

/** Port of one HCA. */
export type FabricPort = {
  /** 16 hex digits, as debugfs has it. */
  readonly guid: string
  readonly rdmaDevice: string
  readonly pci: string
  /** Its IPoIB interface in the initial namespace: `ib0`. */
  readonly netdev: string
}

/** Who administers the fabric: ibfake itself, or a real subnet manager that the test starts. */
export type Administrator = 'built-in' | 'real'

/** Loads the modules anew; every child and RDMA device of before is gone. */
export async function loadFabric(administrator: Administrator): Promise<readonly FabricPort[]> {
  await unloadFabric()
  await demand(['modprobe', '-a', 'ib_ipoib', 'ib_umad'])
  const sm = administrator === 'built-in' ? 'sm=1' : 'sm=2'
  await demand(['modprobe', 'ibfake', 'name=mlx5_%d', 'pkeys=0xffff', sm])
  let ports: readonly FabricPort[] = []
  await waitFor('the interfaces of all HCAs', async () => {
    ports = await portsNow()
    return ports.length === HCAS
  })
  return ports
}

/** Also after a test that failed: nothing of the fabric stays. Children go first, in good order. */
export async function unloadFabric(): Promise<void> {
  const shown = await run(['ip', '-br', 'link', 'show', 'type', 'ipoib'])
  const names = shown.stdout.split('\n').flatMap((line) => /^\S+/.exec(line)?.[0] ?? [])
  const [children, parents] = [names.filter(isChild), names.filter((name) => !isChild(name))]
  await ipBatch([
    ...children.map((name) => `link del ${name.split('@')[0] ?? ''}`),
    ...parents.map((name) => `link set ${name} down`),
  ])
  await run(['modprobe', '-r', 'ibfake'])
}

/** `ip` prints a child with its parent: `c1@ib0`. */
const isChild = (name: string): boolean => name.includes('@')

async function portsNow(): Promise<FabricPort[]> {
  const lines = (await readFile(`${DEBUG}/ports`, 'utf8')).trim().split('\n')
  const found = await Promise.all(
    lines.map(async (line): Promise<FabricPort | undefined> => {
      const [, guid = '', rdmaDevice = '', pci = ''] = /^(\S+) dev=(\S+) pci=(\S+)/.exec(line) ?? []
      const [netdev] = await readdir(`/sys/bus/pci/devices/${pci}/net`).catch(() => [])
      return netdev === undefined ? undefined : { guid, rdmaDevice, pci, netdev }
    }),
  )
  return found.filter((port) => port !== undefined)
}

/** Gives a port this P_Key table, as a subnet manager would. */
export async function setPkeys(port: FabricPort, pkeys: readonly string[]): Promise<void> {
  await writeFile(`${DEBUG}/pkeys`, `${port.guid} ${pkeys.join(',')}\n`)
}

/** P_Keys that are on a port. */
export async function pkeysOn({ rdmaDevice }: FabricPort): Promise<string[]> {
  const table = `/sys/class/infiniband/${rdmaDevice}/ports/1/pkeys`
  const all = await Promise.all(
    (await readdir(table)).map(async (entry) =>
      (await readFile(`${table}/${entry}`, 'utf8')).trim(),
    ),
  )
  return all.filter((pkey) => pkey !== '0x0000')
}

/** `0002c90300001001` with colons, as our own messages have it. */
export function guidText(guid: string): string {
  return guid.match(/../g)?.join(':') ?? ''
}
