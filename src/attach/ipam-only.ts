/**
 * Called as an IPAM by another vendor's main plugin: addresses without a link.
 * Such a DEL comes before the main plugin removes its link, so the addresses
 * wait in a `detaching` row until the interface is seen without them.
 *
 * Spec: CNI 1.1.0, section 4 (delegated plugins).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import type { AnyIpam } from './catalogue.ts'
import { fail } from './failures.ts'
import { attachmentKey } from './identity.ts'
import { intentOf } from './intent.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import { requestedIps } from './requested.ts'
import type { Row } from './row.ts'
import { undoRows } from './undo.ts'

/** Reserves for an interface that somebody else makes; the same owner gets the same again. */
export async function reserveOnly(wanted: Wanted, ipam: AnyIpam, needs: AttachNeeds): Promise<Row> {
  const { owner, netns, cniVersion, plugins, args, pod, namespace } = wanted
  const [raw = {}] = plugins
  const { conf } = ipam.parse(raw)
  const state = await needs.kernel.netns(netns)
  if (state.netns === 'gone') throw fail('netns-missing', { ifName: owner.ifName, netns })
  const row = intentOf(wanted, state.netns === 'there' ? state.id : undefined, needs)
  needs.journal.write([row])
  const requested = requestedIps(raw, args)
  try {
    const given = await ipam.reserve({
      conf,
      owner,
      cniVersion,
      requested,
      args,
      pod,
      namespace,
    })
    const result = { ...EMPTY_RESULT, ...given.addressing }
    const attached: Row = { ...row, state: 'attached', held: given.held, result }
    needs.journal.write([attached])
    return attached
  } catch (cause) {
    await undoRows([row], needs, undefined)
    throw cause
  }
}

/** Marks the reservation as being given back; {@link settleReleases} frees it. */
export function releaseLater(rows: readonly Row[], needs: AttachNeeds): void {
  needs.journal.write(rows.map((row) => ({ ...row, state: 'detaching' })))
}

/**
 * Frees the addresses of every waiting row whose interface is gone or bears
 * them no more.
 * @returns how many still wait
 */
export async function settleReleases(needs: AttachNeeds): Promise<number> {
  const waiting = needs.journal.all().filter(isWaiting)
  const free = await Promise.all(waiting.map((row) => isFree(row, needs)))
  const left = await undoRows(
    waiting.filter((_, i) => free[i]),
    needs,
    undefined,
  )
  return left.length + free.filter((one) => !one).length
}

/** A row without stages that is being taken down: only addresses are left of it. */
export function isWaiting(row: Row): boolean {
  return row.state === 'detaching' && row.stages.length === 0 && row.result?.interfaces.length === 0
}

async function isFree(row: Row, needs: AttachNeeds): Promise<boolean> {
  const state = await needs.kernel.netns(row.netns)
  if (state.netns !== 'there' || state.id !== row.netnsId) return true
  const ours = new Set(row.result?.ips.map((ip) => ip.address) ?? [])
  const addresses = await needs.kernel.addresses(row.netns)
  return !addresses.some((one) => one.link === row.owner.ifName && ours.has(one.cidr))
}

/** CHECK of such a reservation. */
export async function checkReservation(
  wanted: Wanted,
  ipam: AnyIpam,
  needs: AttachNeeds,
): Promise<Failure[]> {
  const { owner } = wanted
  const row = needs.journal.get(attachmentKey(wanted))
  if (row?.result === undefined) {
    return [fail('attachment-missing', { ifName: owner.ifName, containerId: owner.containerId })]
  }
  const { conf } = ipam.parse(wanted.plugins[0] ?? {})
  return ipam.check({ conf, owner, addressing: row.result })
}
