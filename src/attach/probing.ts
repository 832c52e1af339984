/**
 * What is asked of the network before the addresses of an attachment are used,
 * and what follows when somebody else has one.
 * @module
 */
import type { Reservation } from '#ipam/index.ts'
import { cidrParts } from '#values/cidr.ts'
import { failureIn } from '#values/failure.ts'
import { parseIp } from '#values/ip.ts'
import type { Probe } from '#values/probe.ts'
import type { AnyIpam } from './catalogue.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import type { Row } from './row.ts'

/** How long an address that somebody else has is not given again, in milliseconds. */
const SHUNNED_MS = 600_000

/** One question for each address, as the IPAM's configuration wants it; none by default. */
export function probesOf(
  { addressing, held }: Pick<Reservation, 'addressing' | 'held'>,
  { ipam, conf }: { readonly ipam: AnyIpam; readonly conf: unknown },
  of: { readonly wanted: Wanted; readonly row: Row; readonly needs: AttachNeeds },
): Probe[] {
  const asks = ipam.probing?.(conf, of.wanted.pod)
  if (asks === undefined || (!asks.conflict && !asks.gateway)) return []
  // the older container of the same pod may have the address still
  const conflict = asks.conflict && !isTakenOver(of.row, of.needs)
  return addressing.ips.flatMap(({ address, gateway: given }, i): Probe[] => {
    const one = held[i]
    const pool = one?.held === 'allocation' ? one.pool : undefined
    const gateway = asks.gateway ? given : undefined
    if (!conflict && gateway === undefined) return []
    return [{ ip: cidrParts(address).ip, conflict, gateway, pool }]
  })
}

function isTakenOver({ attachment }: Row, { journal }: AttachNeeds): boolean {
  return journal.all().some((row) => row.attachment.startsWith(`${attachment}@`))
}

/** Keeps the address of a conflict from being given again soon; any other cause is no matter. */
export function shunConflict(cause: unknown, { catalogue, clock }: AttachNeeds): void {
  const failure = failureIn(cause)
  if (failure?.code !== 'ip-conflict') return
  const ip = parseIp(String(failure.details['address']))
  const untilMs = clock.nowMs() + SHUNNED_MS
  for (const ipam of catalogue.ipams.values()) ipam.shun?.(ip, () => clock.nowMs() < untilMs)
}
