/**
 * ADD: all attachments of one request, or none. Parse, observe, journal,
 * reserve, plan, apply, answer; the journal is written before each effect.
 *
 * Spec: CNI 1.1.0, section 4 (ADD).
 * @module
 */
import { type Chain, parseChain, stagesOf } from './chain.ts'
import { applyDefaultRoutes } from './default-routes.ts'
import { fail } from './failures.ts'
import { runForeignStage } from './foreign-stage.ts'
import { attachmentKey, isOwnNetns, tempNameOf } from './identity.ts'
import { intentOf } from './intent.ts'
import type { Doing, Making } from './making.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import { shunConflict } from './probing.ts'
import { recalled, wasStale } from './recall.ts'
import { existingRows } from './repeat.ts'
import type { Row } from './row.ts'
import { applyOurStages } from './stage.ts'
import { checkNames } from './taken-name.ts'
import { undoRows } from './undo.ts'

/**
 * Attaches everything that is wanted, in order; the rows come back in that
 * order. What is attached already is answered again, untouched.
 * @throws {Failure} what a plugin, an IPAM or the kernel refuses; then nothing is left
 */
export async function attachAll(
  wanteds: readonly Wanted[],
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<readonly Row[]> {
  const chains = wanteds.map((wanted) => chainOf(wanted, needs))
  const netnsId = await checkNetns(wanteds, needs)
  const repeated = await existingRows(wanteds, needs, { foreign, netnsId })
  if (repeated !== undefined) return repeated
  await checkNames(wanteds, chains, needs)
  const siblings = wanteds.map(({ owner }) => owner.ifName)
  const begin = (): Making[] =>
    wanteds.map((wanted, i): Making => {
      const chain = chains[i] ?? { links: [], warnings: [] }
      const temp = tempNameOf(wanted.owner)
      return { wanted, chain, stages: stagesOf(chain), temp, row: intentOf(wanted, netnsId, needs) }
    })
  const makings = begin()
  const doing = { needs, foreign, siblings, recalled: recalled(makings, needs) }
  try {
    return await make(makings, doing)
  } catch (cause) {
    const isUndone = makings.every(({ row }) => needs.journal.get(row.attachment) === undefined)
    if (doing.recalled === undefined || !isUndone || !wasStale(cause)) throw cause
    needs.masters?.clear()
    return make(begin(), { ...doing, recalled: undefined })
  }
}

async function make(makings: readonly Making[], doing: Doing): Promise<Row[]> {
  const { needs, foreign } = doing
  try {
    for (const some of inTurn(makings)) await makeSome(some, doing)
    await applyDefaultRoutes(makings, needs)
    const rows = makings.map((making): Row => ({ ...making.row, state: 'attached' }))
    needs.journal.write(rows)
    return rows
  } catch (cause) {
    shunConflict(cause, needs)
    // a row that was never written has had no effect
    const written = makings.map((m) => m.row).filter((r) => needs.journal.get(r.attachment))
    await undoRows(written, needs, foreign)
    throw cause
  }
}

async function makeSome(makings: readonly Making[], doing: Doing): Promise<void> {
  const longest = Math.max(...makings.map((making) => making.stages.length))
  for (let n = 0; n < longest; n++) {
    await applyOurStages(makings, n, doing)
    for (const making of makings) await runForeignStage(making, n, doing)
  }
}

/**
 * All attachments side by side; but where another vendor's plugin makes the pod's
 * first interface, it is there before others are planned that lead over it.
 */
function inTurn(makings: readonly Making[]): (readonly Making[])[] {
  const [first, ...others] = makings
  if (first === undefined) return []
  const waits = first.stages.some(({ stage }) => stage === 'foreign') && others.length > 0
  return waits ? [[first], others] : [makings]
}

function chainOf(wanted: Wanted, needs: AttachNeeds): Chain {
  const chain = parseChain(wanted, needs.catalogue)
  if (chain.links.length === 0) throw fail('chain-empty', { network: wanted.owner.network })
  for (const text of chain.warnings) {
    needs.report({ note: 'warning', attachment: attachmentKey(wanted), text })
  }
  return chain
}

/** The namespace's identity. Checked before any effect, as the specification's library does not. */
async function checkNetns(
  wanteds: readonly Wanted[],
  needs: AttachNeeds,
): Promise<string | undefined> {
  const [first] = wanteds
  if (first === undefined) return undefined
  const state = await needs.kernel.netns(first.netns)
  const about = { ifName: first.owner.ifName, netns: first.netns }
  if (state.netns === 'gone') throw fail('netns-missing', about)
  if (state.netns === 'foreign') throw fail('netns-not-one', about)
  if (isOwnNetns(state, first.callerNetns)) throw fail('netns-own', about)
  return state.id
}
