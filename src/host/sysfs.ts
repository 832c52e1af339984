/**
 * What sysfs tells of PCI functions and of the HCA port behind an IPoIB parent.
 *
 * Spec: Linux Documentation/ABI/stable/sysfs-class-infiniband: `gids/N` is eight
 * groups of four hex digits, `pkeys/N` is `0xffff`, both of one port.
 * @module
 */
import { readFile, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Guid, parseGuid } from '#values/guid.ts'
import { guidOfAddress } from '#values/hardware-address.ts'
import type { Link } from '#values/link.ts'
import type { PciAddress } from '#values/pci-address.ts'
import { type Pkey, parsePkey } from '#values/pkey.ts'
import type { HcaPort } from '#needs/kernel.ts'

/** Driver bound to a PCI function; undefined without one, or without the function. */
export async function driverOf(sysRoot: string, pci: PciAddress): Promise<string | undefined> {
  return unlessGone(
    async () => basename(await readlink(join(sysRoot, 'bus/pci/devices', pci, 'driver'))),
    undefined,
  )
}

/**
 * The port whose GUID is in the link's address. Devices of the link's own PCI
 * function are looked at alone where it has one; else all that are seen.
 */
export async function hcaPort(sysRoot: string, link: Link): Promise<HcaPort | undefined> {
  const guid = link.address === undefined ? undefined : guidOfAddress(link.address)
  if (guid === undefined) return undefined
  const folder =
    link.pci === undefined
      ? join(sysRoot, 'class/infiniband')
      : join(sysRoot, 'bus/pci/devices', link.pci, 'infiniband')
  for (const rdmaDevice of await names(folder)) {
    const ports = join(folder, rdmaDevice, 'ports')
    for (const name of await names(ports)) {
      if ((await guidOfPort(join(ports, name))) !== guid) continue
      return { rdmaDevice, port: Number(name), pkeys: await pkeysOf(join(ports, name)) }
    }
  }
  return undefined
}

/** GUIDs in the GID table of a port, in its order. */
export async function portGuids(sysRoot: string, at: HcaPort): Promise<readonly Guid[]> {
  const port = join(sysRoot, 'class/infiniband', at.rdmaDevice, 'ports', String(at.port))
  const indexes = (await names(join(port, 'gids'))).toSorted((a, b) => Number(a) - Number(b))
  const guids = await Promise.all(indexes.map((index) => guidOfPort(port, index)))
  return guids.filter((guid) => guid !== undefined)
}

/** The last four groups of a GID; undefined for an empty entry. */
async function guidOfPort(port: string, index = '0'): Promise<Guid | undefined> {
  const gid = await text(join(port, 'gids', index))
  const groups = gid?.split(':') ?? []
  if (groups.length !== 8) return undefined
  const tail = groups.slice(4).join(':')
  return /^[0:]+$/.test(tail) ? undefined : parseGuid(tail)
}

async function pkeysOf(port: string): Promise<Pkey[]> {
  const indexes = (await names(join(port, 'pkeys'))).toSorted((a, b) => Number(a) - Number(b))
  const texts = await Promise.all(indexes.map((index) => text(join(port, 'pkeys', index))))
  return texts.flatMap((one) =>
    one === undefined || (Number(one) & 0x7fff) === 0 ? [] : [parsePkey(one)],
  )
}

const names = (folder: string): Promise<string[]> =>
  unlessGone(async () => (await readdir(folder)).toSorted(), [])

const text = (path: string): Promise<string | undefined> =>
  unlessGone(async () => (await readFile(path, 'utf8')).trim(), undefined)

/** EINVAL: a port that is being removed answers so. */
async function unlessGone<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (['ENOENT', 'ENOTDIR', 'ENODEV', 'EINVAL'].includes(String(code))) return otherwise
    throw cause
  }
}
