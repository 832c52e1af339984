/**
 * What the kernel asks of an Ethernet link's address and MTU.
 *
 * Spec: Linux net/ethernet/eth.c, include/linux/etherdevice.h, net/core/dev.c.
 * @module
 */
import { type HardwareAddress, hardwareAddressToBytes } from '#values/hardware-address.ts'
import { type Refusal, refusal } from './errno.ts'

/** ARPHRD number. */
export const ETHERNET = 1
/** Bytes. */
export const ETHERNET_MTU = { usual: 1500, least: 68, most: 65535 } as const
const MULTICAST_BIT = 1

/** What is wrong with an Ethernet address or MTU, if anything. */
export function ethernetFault(of: {
  readonly address: HardwareAddress | undefined
  readonly mtu: number | undefined
}): Refusal | undefined {
  if (of.address !== undefined) {
    const bytes = hardwareAddressToBytes(of.address)
    if (bytes.length !== 6) return refusal('EINVAL')
    const unicast = ((bytes[0] ?? 0) & MULTICAST_BIT) === 0 && bytes.some((byte) => byte !== 0)
    if (!unicast) return refusal('EADDRNOTAVAIL')
  }
  return of.mtu === undefined ? undefined : ethernetMtuFault(of.mtu)
}

/** Limits of an Ethernet link's MTU, in bytes, with the kernel's words. */
export function ethernetMtuFault(mtu: number): Refusal | undefined {
  if (mtu < ETHERNET_MTU.least) return refusal('EINVAL', 'mtu less than device minimum')
  return mtu > ETHERNET_MTU.most ? refusal('EINVAL', 'mtu greater than device maximum') : undefined
}
