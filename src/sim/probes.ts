/**
 * Probes and announcements on a simulated network: everybody who hears a link
 * answers for the addresses of its whole namespace, as Linux does.
 * @module
 */
import { fail } from '#values/failures.ts'
import type { Ip } from '#values/ip.ts'
import type { AnnounceStep, ProbeStep } from '#values/probe.ts'
import { carrierOf } from './carrier.ts'
import type { SimHost, SimLink } from './host.ts'
import { hasAddress } from './lookup.ts'
import { neighboursOf } from './segment.ts'

/** @throws {Failure} `ip-conflict`, `gateway-unreachable` */
export function probe(host: SimHost, link: SimLink, { probes }: ProbeStep): void {
  const about = { ifName: link.name }
  for (const { ip: address, conflict, gateway, pool = '-' } of probes) {
    const holder = conflict ? whoAnswers(host, link, address) : undefined
    if (holder !== undefined) {
      throw fail('ip-conflict', { ...about, address, pool, holder: holder.address ?? '-' })
    }
    if (gateway === undefined || whoAnswers(host, link, gateway) !== undefined) continue
    throw fail('gateway-unreachable', { ...about, address, pool, gateway })
  }
}

/** What the others remember of these addresses is put right. */
export function announce(host: SimHost, link: SimLink, { ips }: AnnounceStep): void {
  if (!carrierOf(host, link)) return
  for (const other of neighboursOf(host, link)) {
    other.neighbours = other.neighbours.map((entry) => {
      const isTold = ips.includes(entry.ip) && !entry.permanent
      return isTold ? { ...entry, address: link.address } : entry
    })
  }
}

function whoAnswers(host: SimHost, link: SimLink, ip: Ip): SimLink | undefined {
  if (!carrierOf(host, link)) return undefined
  return neighboursOf(host, link).find((other) => {
    return other.netns !== link.netns && hasAddress(other.netns, ip)
  })
}
