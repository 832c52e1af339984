/**
 * Called as an IPAM by another vendor's main plugin: addresses without a link.
 * Such a DEL comes before the main plugin removes its link, so the addresses
 * wait in a `detaching` row until the interface is seen without them.
 *
 * Spec: CNI 1.1.0, section 4 (delegated plugins).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import type { Probe } from '#values/probe.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import type { AnyIpam } from './catalogue.ts'
import { fail } from './failures.ts'
import { attachmentKey } from './identity.ts'
import { intentOf } from './intent.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import { probesOf, shunConflict } from './probing.ts'
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
  const before = needs.journal.get(row.attachment)
  const isOlder = before !== undefined && before.owner.containerId !== owner.containerId
  const isAgain = before?.state === 'attached' && !isOlder
  // what stands of an older container is its own: its DEL, or the wait for its interface, goes on
  const stays = before !== undefined && (isOlder || isWaiting(before))
  if (!isAgain) needs.journal.write(stays ? [asideOf(before), row] : [row])
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
    const reserved: Row = { ...row, state: 'reserved', held: given.held }
    await probeBefore(reserved, probesOf(given, { ipam, conf }, { wanted, row, needs }), needs)
    const result = { ...EMPTY_RESULT, ...given.addressing }
    const attached: Row = { ...row, state: 'attached', held: given.held, result }
    // an interface that comes back has what it was waited for with
    needs.journal.erase(waitingOf(row, needs))
    needs.journal.write([attached])
    return attached
  } catch (cause) {
    shunConflict(cause, needs)
    // an interface that was answered before keeps what it has
    if (isAgain) throw cause
    await undoRows([needs.journal.get(row.attachment) ?? row], needs, undefined)
    throw cause
  }
}

/** Keys of what waits of the same interface of the same container. */
function waitingOf({ owner, root }: Row, { journal }: AttachNeeds): string[] {
  const ofContainer = journal.byContainer(owner.containerId).filter(isWaiting)
  return ofContainer
    .filter((one) => one.owner.ifName === owner.ifName && one.root.type === root.type)
    .map(({ attachment }) => attachment)
}

function asideOf(row: Row): Row {
  return { ...row, attachment: `${row.attachment}@${row.owner.containerId}` }
}

/** Asks by the interface that the main plugin made, which is down as a rule. */
async function probeBefore(
  row: Row,
  probes: readonly Probe[],
  { kernel, journal, report }: AttachNeeds,
): Promise<void> {
  if (probes.length === 0) return
  journal.write([row])
  const { netns: where } = row
  const { ifName: link } = row.owner
  if ((await kernel.link(where, link)) === undefined) {
    const text = `${link} is not in the pod yet: nobody is asked for its addresses`
    report({ note: 'warning', attachment: row.attachment, text })
    return
  }
  await kernel.take([
    { do: 'set-link', where, link, set: { up: true } },
    { do: 'probe', where, link, probes },
  ])
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
  const addressing = wanted.prevResult ?? needs.journal.get(attachmentKey(wanted))?.result
  if (addressing === undefined) {
    return [fail('attachment-missing', { ifName: owner.ifName, containerId: owner.containerId })]
  }
  const { conf } = ipam.parse(wanted.plugins[0] ?? {})
  return ipam.check({ conf, owner, addressing })
}
