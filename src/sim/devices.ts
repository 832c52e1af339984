/**
 * What sysfs of a simulated host shows of devices: those that links name by their
 * PCI function, and those that the world has as files below /sys.
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import { everyLink } from './find.ts'
import type { SimHost } from './host.ts'

const PCI = 'bus/pci/devices/'

/** Links of the device in a folder below /sys; undefined when there is no such folder. */
export function netdevsOf(host: SimHost, folder: string): readonly IfName[] | undefined {
  const pci = folder.startsWith(PCI) ? folder.slice(PCI.length) : undefined
  const links = everyLink(host).filter((link) => pci !== undefined && link.pci === pci)
  const device = host.rdma.devices.some((one) => pci !== undefined && one.pci === pci)
  const inside = [...host.files.keys()].flatMap((path) => {
    return path.startsWith(`/sys/${folder}/`) ? [path.slice(folder.length + 6)] : []
  })
  if (links.length === 0 && !device && inside.length === 0) return undefined
  const named = inside.flatMap((path) => /^(?:virtio\d+\/)?net\/([^/]+)/.exec(path)?.[1] ?? [])
  const home = links.filter(({ netns }) => netns.name === 'host').map(({ name }) => name)
  return [...new Set([...home, ...named.map(parseIfName)])]
}
