/**
 * What happens to a simulated host from outside: wires are cut and mended,
 * P_Keys come to a port and go. Namespaces come and go by `addNetns()` and
 * `removeNetns()`.
 * @module
 */
import type { Pkey } from '#values/pkey.ts'
import { everyLink } from './find.ts'
import { fail } from './failures.ts'
import type { SimHost } from './host.ts'

/** Takes the carrier off all that hangs on a wire. @throws {Failure} `sim-world-invalid` */
export function cut(host: SimHost, wire: string): void {
  if (!everyLink(host).some((link) => link.wire === wire)) {
    throw fail('sim-world-invalid', { of: wire, reason: 'there is no wire of that name' })
  }
  host.cut.add(wire)
}

/** Gives the carrier back. */
export function mend(host: SimHost, wire: string): void {
  host.cut.delete(wire)
}

/** Sets the P_Key table of port 1, as a subnet manager does. @throws `sim-world-invalid` */
export function setPkeys(host: SimHost, device: string, pkeys: readonly Pkey[]): void {
  const found = host.rdma.devices.find(({ name }) => name === device)
  if (found === undefined) {
    throw fail('sim-world-invalid', { of: device, reason: 'there is no such RDMA device' })
  }
  found.pkeys = [...pkeys]
}
