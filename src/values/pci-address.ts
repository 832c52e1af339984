/**
 * PCI address: `domain:bus:device.function` in lower-case hex.
 *
 * Spec: PCI Local Bus Specification 3.0, section 3.2.2.3; text form as in
 * /sys/bus/pci/devices.
 * @module
 */
import { fail } from './failures.ts'

/** A PCI function: `0000:86:00.0`. */
export type PciAddress = string & { readonly brand: 'PciAddress' }

/** Reads the four-part form, any case. @throws {Failure} `pci-address-invalid` */
export function parsePciAddress(text: string): PciAddress {
  if (!/^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/i.test(text)) {
    const reason = text === '' ? 'value is empty' : 'it is not dddd:bb:dd.f'
    throw fail('pci-address-invalid', { text, reason })
  }
  return text.toLowerCase() as PciAddress
}
