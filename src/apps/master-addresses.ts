/**
 * Addresses of an interface's parent on the host, or of the physical function
 * of its VF: what `match_master_subnet` looks at.
 *
 * Spec: Linux sysfs, below /sys: bus/pci/devices/VF/physfn.
 * @module
 */
import type { KernelQuestions } from '#needs/kernel.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Ip } from '#values/ip.ts'
import { parsePciAddress } from '#values/pci-address.ts'

type Master = { readonly link: string | undefined; readonly deviceId: string | undefined }

/** Undefined where the configuration names neither, or the host does not know it. */
export async function masterAddresses(
  { link, deviceId }: Master,
  kernel: Pick<KernelQuestions, 'addresses' | 'netdevsOf'>,
): Promise<readonly Ip[] | undefined> {
  const folder = deviceId === undefined ? undefined : functionFolder(deviceId)
  const named: readonly string[] | undefined = link === undefined ? undefined : [link]
  const names = folder === undefined ? named : await kernel.netdevsOf(folder)
  if (names === undefined) return undefined
  const all = await kernel.addresses('host')
  return all.filter((one) => names.includes(one.link)).map(({ cidr }) => cidrParts(cidr).ip)
}

/** A text that is no PCI address is never a path. */
function functionFolder(deviceId: string): string | undefined {
  try {
    return `bus/pci/devices/${parsePciAddress(deviceId)}/physfn`
  } catch {
    return undefined
  }
}
