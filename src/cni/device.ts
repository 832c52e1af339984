/**
 * Which interface of the host a configuration means: by name, hardware address,
 * path in sysfs, PCI function or auxiliary device.
 *
 * Spec: containernetworking `host-device`; NPWG device ids: `runtimeConfig.deviceID`
 * is a PCI address or the name of an auxiliary device, and goes before `pciBusID`.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { type HardwareAddress, parseHardwareAddress } from '#values/hardware-address.ts'
import type { Link } from '#values/link.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import type { HostDeviceDocument } from '#schema/plugin-conf.ts'
import { fail } from './failures.ts'

export type DeviceNeeds = Pick<KernelQuestions, 'links' | 'netdevsOf' | 'driverOf'>

/** The first of these that a configuration has. */
export type DeviceSelector =
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'address'; readonly address: HardwareAddress }
  /** A folder below /sys. */
  | { readonly by: 'path'; readonly path: string }
  | { readonly by: 'pci'; readonly pci: string }
  /** PCI or auxiliary: the host knows which; `pci` is `pciBusID`, when that is neither. */
  | { readonly by: 'id'; readonly id: string }

export type DeviceFound = {
  readonly device: Link | undefined
  /** A user-space driver has the function: there is no interface. */
  readonly userSpace: boolean
}

const DEVICES = '/sys/devices/'
const PCI = 'bus/pci/devices'
const AUXILIARY = 'bus/auxiliary/devices'
const USER_SPACE_DRIVERS: readonly string[] = ['vfio-pci', 'uio_pci_generic', 'igb_uio']

/** @throws {Failure} `host-device-none`, `host-device-path-invalid`, `mac-argument-invalid` */
export function selectorOf(value: HostDeviceDocument): DeviceSelector {
  const { device, hwaddr, kernelpath, pciBusID, runtimeConfig } = value
  if (device !== undefined) return { by: 'name', name: device }
  if (hwaddr !== undefined) return { by: 'address', address: addressIn(hwaddr) }
  if (kernelpath !== undefined) {
    if (!kernelpath.startsWith(DEVICES) || /(^|\/)\.\.?(\/|$)/.test(kernelpath)) {
      throw fail('host-device-path-invalid', { path: kernelpath })
    }
    return { by: 'path', path: kernelpath.slice('/sys/'.length).replace(/\/+$/, '') }
  }
  const id = runtimeConfig?.deviceID
  if (id !== undefined) return { by: 'id', id }
  if (pciBusID !== undefined) return { by: 'pci', pci: pciBusID }
  throw fail('host-device-none')
}

/** For people: `device enp3s0`. */
export function textOfSelector(selector: DeviceSelector): string {
  switch (selector.by) {
    case 'name':
      return `device ${selector.name}`
    case 'address':
      return `hwaddr ${selector.address}`
    case 'path':
      return `kernelpath /sys/${selector.path}`
    case 'pci':
      return `pciBusID ${selector.pci}`
    case 'id':
      return `deviceID ${selector.id}`
  }
}

function addressIn(text: string): HardwareAddress {
  try {
    return parseHardwareAddress(text)
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    throw fail('mac-argument-invalid', { value: text, reason })
  }
}

/**
 * Looks on the host; `lent` is what an earlier ADD left in the pod, and counts where
 * the host has none.
 * @throws {Failure} `host-device-missing`, `host-device-id-unknown`
 */
export async function findDevice(
  selector: DeviceSelector,
  needs: DeviceNeeds,
  lent: Link | undefined,
): Promise<DeviceFound> {
  const links = (await needs.links('host')).filter(({ name }) => name !== 'lo')
  const found = (device: Link | undefined): DeviceFound => ({ device, userSpace: false })
  switch (selector.by) {
    case 'name': {
      const { name } = selector
      const device = links.find((one) => one.name === name || one.altNames.includes(name))
      return found(device ?? (lent?.alias === name ? lent : undefined))
    }
    case 'address': {
      const { address } = selector
      const isIt = (one: Link): boolean => one.address === address
      return found(links.find(isIt) ?? (lent !== undefined && isIt(lent) ? lent : undefined))
    }
    case 'path': {
      const names = await needs.netdevsOf(selector.path)
      return found(links.find(({ name }) => names?.includes(name)) ?? lent)
    }
    case 'pci':
      return deviceAt(`${PCI}/${selector.pci}`, { links, lent, needs })
    case 'id': {
      const folder = await folderOf(selector.id, needs)
      return deviceAt(folder, { links, lent, needs })
    }
  }
}

type Around = {
  readonly links: readonly Link[]
  readonly lent: Link | undefined
  readonly needs: DeviceNeeds
}

async function deviceAt(folder: string, { links, lent, needs }: Around): Promise<DeviceFound> {
  const id = folder.slice(folder.lastIndexOf('/') + 1)
  const names = await needs.netdevsOf(folder)
  const device = links.find(({ name, pci }) => names?.includes(name) || pci === id)
  if (device !== undefined) return { device, userSpace: false }
  if (folder.startsWith(PCI) && (await hasUserSpaceDriver(id, needs))) {
    return { device: undefined, userSpace: true }
  }
  return { device: lent, userSpace: false }
}

async function hasUserSpaceDriver(pci: string, needs: DeviceNeeds): Promise<boolean> {
  if (!isPci(pci)) return false
  const driver = await needs.driverOf(parsePciAddress(pci))
  return driver !== undefined && USER_SPACE_DRIVERS.includes(driver)
}

/** Folder of a device id below /sys. @throws {Failure} `host-device-id-unknown` */
export async function folderOf(id: string, needs: DeviceNeeds): Promise<string> {
  const isName = /^[^/\0]+$/.test(id) && id !== '.' && id !== '..'
  for (const bus of isName ? [PCI, AUXILIARY] : []) {
    if ((await needs.netdevsOf(`${bus}/${id}`)) !== undefined) return `${bus}/${id}`
  }
  throw fail('host-device-id-unknown', { id })
}

function isPci(text: string): boolean {
  try {
    parsePciAddress(text)
    return true
  } catch (cause) {
    if (failureIn(cause) === undefined) throw cause
    return false
  }
}
