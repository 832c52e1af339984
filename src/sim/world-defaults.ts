/**
 * Fills in what the file of a world leaves out, so that the same file gives the
 * same host every time: a default depends on the names of things, never on
 * what else is there, but for indexes, which are the lowest that are free.
 * @module
 */
import { guidFromBits, guidToBits, parseGuid } from '#values/guid.ts'
import {
  guidOfAddress,
  hardwareAddressFromBytes,
  parseHardwareAddress,
} from '#values/hardware-address.ts'
import type { World } from '#schema/world.ts'
import { INITIAL } from './host.ts'
import type { SimWorld, WorldLink, WorldNetns } from './world.ts'

type FileNetns = NonNullable<World['netns'][string]>
type FileLink = NonNullable<FileNetns['links']>[number]
type Device = { readonly name: string; readonly pci: string; readonly nodeGuid: string }

const SAME_KIND: Readonly<Record<string, string>> = {
  ether: 'physical',
  ethernet: 'physical',
  eth: 'physical',
  nic: 'physical',
  device: 'physical',
  infiniband: 'ipoib',
  lo: 'loopback',
}
/** Kinds of links that have the address of their parent. */
const SHARES_ADDRESS: readonly string[] = ['vlan', 'ipvlan']
/** The first bytes of an address of ours: of an IPoIB link, and locally administered ones. */
const IPOIB_HEAD = [0x80, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0] as const
const OWN_GUID = 0x025c000000000000n
const OWN_MAC = 0x02
const FIRST_INODE = 4026531840n

/** The world with every default in it. */
export function withDefaults(file: World): SimWorld {
  const places = Object.entries(file.netns).flatMap(([netns, { links = [] }]) =>
    links.map((link) => ({ netns, link })),
  )
  const devices = (file.rdma?.devices ?? []).map((device, position) => ({
    ...device,
    pci: device.pci ?? `0000:${hex(0xc0 + (position % 0x40), 2)}:00.0`,
    nodeGuid: device.nodeGuid ?? guidNamed(`device ${device.name}`),
  }))
  const pciOf = portsOf(places, devices)
  const netns = Object.entries(file.netns).map(([name, one]) => {
    const indexes = indexesOf(one.links ?? [])
    const links = (one.links ?? []).map((link, i): WorldLink => {
      const pci = link.pci ?? pciOf.get(link)
      return {
        ...link,
        kind: kindOf(link),
        index: link.index ?? indexes[i] ?? 1,
        up: link.up ?? (link.name !== 'lo' || name === INITIAL),
        address: link.address ?? addressOf({ netns: name, link }, { places, devices, pciOf }),
        ...(pci === undefined ? {} : { pci }),
      }
    })
    const id = one.id ?? idNamed(name)
    return [name, { ...one, id, links, sysctl: sysctlOf(one.sysctl) } satisfies WorldNetns] as const
  })
  const { journal: _, leftOut: __, before: ___, rdma, netns: ____, ...rest } = file
  return { ...rest, netns: Object.fromEntries(netns), rdma: { ...rdma, devices } }
}

/** Device and inode of a namespace: the same whatever others there are. */
function idNamed(name: string): string {
  return `4:${FIRST_INODE + (name === INITIAL ? 0n : 1n + (bitsOf(name) & 0xffffffn))}`
}

/** Paths below /proc/sys with slashes; dots part them too, as sysctl(8) reads them. */
function sysctlOf(given: FileNetns['sysctl'] = {}): Readonly<Record<string, string>> {
  const pairs = Object.entries(given).map(([path, value]) => {
    const [separator] = /[./]/.exec(path) ?? []
    if (separator !== '.') return [path, value] as const
    return [path.replaceAll(/[./]/g, (each) => (each === '.' ? '/' : '.')), value] as const
  })
  return Object.fromEntries(pairs)
}

function kindOf({ name, kind }: FileLink): string {
  if (kind === undefined) return name === 'lo' ? 'loopback' : 'physical'
  return SAME_KIND[kind] ?? kind
}

/** The lowest free ones, 1 being `lo`'s; those that are given stay. */
function indexesOf(links: readonly FileLink[]): number[] {
  const taken = new Set(links.flatMap(({ index }) => index ?? []))
  return links.map(({ name, index }) => {
    if (index !== undefined) return index
    let free = name === 'lo' ? 1 : 2
    while (taken.has(free)) free++
    taken.add(free)
    return free
  })
}

type Place = { readonly netns: string; readonly link: FileLink }

/** A parent is in the same namespace, else in the host's, unless it says `NETNS/LINK`. */
function parentOf({ netns, link }: Place, places: readonly Place[]): Place | undefined {
  const { parent } = link
  if (parent === undefined) return undefined
  const slash = parent.lastIndexOf('/')
  const name = parent.slice(slash + 1)
  const where = slash < 0 ? [netns, INITIAL] : [parent.slice(0, slash)]
  return where
    .flatMap((one) => places.filter((place) => place.netns === one && place.link.name === name))
    .find((place) => place.link !== link)
}

type Around = {
  readonly places: readonly Place[]
  readonly devices: readonly Device[]
  readonly pciOf: ReadonlyMap<FileLink, string>
}

/** An IPoIB child has its parent's GUID and a queue pair of its own. */
function addressOf(place: Place, around: Around): string {
  const { netns, link } = place
  const hash = bitsOf(`${netns}/${link.name}`)
  if (kindOf(link) === 'loopback') return '00:00:00:00:00:00'
  const parent = parentOf(place, around.places)
  if (parent !== undefined && SHARES_ADDRESS.includes(kindOf(link))) {
    return parent.link.address ?? addressOf(parent, around)
  }
  if (kindOf(link) !== 'ipoib') {
    return hardwareAddressFromBytes(Uint8Array.of(OWN_MAC, ...bytesOf(hash, 5)))
  }
  const bits = portGuidOf(parent ?? place, around)
  const [flags, , , , ...prefix] = IPOIB_HEAD
  const queuePair = bytesOf(hash & 0x7fffffn, 3)
  return hardwareAddressFromBytes(
    Uint8Array.of(flags, ...queuePair, ...prefix, ...bytesOf(bits, 8)),
  )
}

/** The GUID of a port: its address says it, else its RDMA device has it. */
function portGuidOf({ netns, link }: Place, { devices, pciOf }: Around): bigint {
  const own = link.address === undefined ? undefined : parseHardwareAddress(link.address)
  const pci = link.pci ?? pciOf.get(link)
  const device = devices.find((one) => pci !== undefined && one.pci === pci)
  const guid = (own && guidOfAddress(own)) ?? (device && parseGuid(device.nodeGuid))
  return guid === undefined ? guidBitsOf(`${netns}/${link.name}`) : guidToBits(guid)
}

/** Which IPoIB port is whose: by address where they tell, the others in their order. */
function portsOf(
  places: readonly Place[],
  devices: readonly Device[],
): ReadonlyMap<FileLink, string> {
  const found = new Map<FileLink, string>()
  const given = new Set(places.flatMap(({ link }) => link.pci ?? []))
  const free = devices.filter(({ pci }) => !given.has(pci))
  const ports = places.filter(
    ({ link }) => kindOf(link) === 'ipoib' && link.parent === undefined && link.pci === undefined,
  )
  const take = (link: FileLink, device: Device | undefined): void => {
    if (device === undefined) return
    free.splice(free.indexOf(device), 1)
    found.set(link, device.pci)
  }
  for (const { link } of ports) {
    if (link.address === undefined) continue
    const guid = guidOfAddress(parseHardwareAddress(link.address))
    take(
      link,
      free.find(({ nodeGuid }) => parseGuid(nodeGuid) === guid),
    )
  }
  for (const { link } of ports) if (!found.has(link)) take(link, free[0])
  // a port without a PCI function would be taken for a child
  for (const [i, { link }] of ports.entries()) {
    if (!found.has(link)) found.set(link, `fffe:${hex(i & 0xff, 2)}:00.0`)
  }
  return found
}

function guidNamed(name: string): string {
  return guidFromBits(guidBitsOf(name))
}

function guidBitsOf(name: string): bigint {
  return OWN_GUID | (bitsOf(name) & 0xffffffffffffn)
}

/** 64 bits that are the same for the same text (FNV-1a). */
function bitsOf(text: string): bigint {
  let bits = 0xcbf29ce484222325n
  for (const char of text) {
    bits = BigInt.asUintN(64, (bits ^ BigInt(char.codePointAt(0) ?? 0)) * 0x100000001b3n)
  }
  return bits
}

function bytesOf(bits: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Number((bits >> BigInt(8 * (count - 1 - i))) & 255n),
  )
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
