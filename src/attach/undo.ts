/**
 * Takes attachments back: stages in reverse, then the addresses, then the
 * journal row. Addresses are freed only after the interface is gone.
 *
 * A row can name steps that never happened, never miss one that did; undo is
 * tolerant by contract. What cannot be undone now stays in the row: the next
 * ADD, DEL or GC of the container, or recovery, tries again.
 * @module
 */
import type { NetnsState } from '#needs/kernel.ts'
import { type Failure, textOfThrown } from '#values/failure.ts'
import { type Step, undoOfAll } from '#values/step.ts'
import type { RawConf } from './catalogue.ts'
import { ipamTypeOf } from './chain.ts'
import { fail } from './failures.ts'
import type { AttachNeeds, Foreign } from './needs.ts'
import { takeBack } from './put-back.ts'
import type { Row, Stage } from './row.ts'

/** A row of which something is left, and why. */
export type Left = { readonly row: Row; readonly cause: unknown }

/**
 * Undoes `rows` side by side. A journal that cannot be written keeps only what is
 * attached from being undone: any other row says already that it must be.
 * @returns the rows of which something is left; each was reported
 * @throws {Failure} of the journal, before anything was done to what is attached
 */
export async function undoRows(
  rows: readonly Row[],
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<Left[]> {
  const open = rows.filter((row) => row.state !== 'detaching')
  const mark = (): void => needs.journal.write(open.map((row) => ({ ...row, state: 'detaching' })))
  if (open.some((row) => row.state === 'attached')) mark()
  else if (open.length > 0) attempt(mark)
  const results = await Promise.all(rows.map((row) => undoRow(row, needs, foreign)))
  const left = results.filter((one) => one !== undefined)
  const done = rows.filter((_, i) => results[i] === undefined)
  const erase = (): void => needs.journal.erase(done.map((row) => row.attachment))
  const cause = done.length > 0 ? attempt(erase) : undefined
  if (cause !== undefined) left.push(...done.map((row) => ({ row, cause })))
  for (const one of left) reportLeft(one, needs)
  return left
}

/** The attachments of which something is left, and why, as a failure of one sentence. */
export function incomplete(left: readonly Left[], because = ''): Failure {
  const attachments = left.map(({ row }) => row.attachment).join(', ')
  const reasons = [...new Set(left.map(({ cause }) => textOfThrown(cause)))].join('; ')
  return fail('detach-incomplete', { attachments, reason: `${because}${reasons}` })
}

/** What `work` throws. */
function attempt(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (cause) {
    return cause
  }
}

function reportLeft({ row: { attachment }, cause }: Left, { report }: AttachNeeds): void {
  report({ note: 'undo-failed', attachment, text: textOfThrown(cause), cause })
}

/** What is left of the row, or undefined when nothing is. */
async function undoRow(
  row: Row,
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<Left | undefined> {
  let stages = row.stages
  try {
    const netns = await needs.kernel.netns(row.netns)
    for (const stage of row.stages.toReversed()) {
      if (stage.stage === 'steps') {
        await takeBack(undoable(stage.steps, row, netns), needs.kernel)
      } else await undoForeign(stage, row, foreign)
      stages = stages.filter((other) => other !== stage)
    }
    await release(row, needs)
    return undefined
  } catch (cause) {
    const left: Row = { ...row, state: 'detaching', stages }
    // without it the row names more than is left, which is as good
    attempt(() => needs.journal.write([left]))
    return { row: left, cause }
  }
}

/** In a namespace that is gone or is another one now, only the link itself can be left. */
function undoable(steps: readonly Step[], row: Row, netns: NetnsState): Step[] {
  const same = netns.netns === 'there' && (row.netnsId ?? netns.id) === netns.id
  const undo = undoOfAll(steps)
  if (same) return undo
  return undo.filter(
    (step) => step.do === 'delete-link' || !('where' in step) || step.where === 'host',
  )
}

async function undoForeign(
  stage: Extract<Stage, { stage: 'foreign' }>,
  row: Row,
  foreign: Foreign | undefined,
): Promise<void> {
  if (foreign === undefined) throw fail('foreign-unreachable', { type: stage.type })
  const env = { ...stage.env, CNI_COMMAND: 'DEL' }
  const ran = await foreign.run({ type: stage.type, env, stdin: withPrevResult(stage) })
  if (ran.status === 0) return
  throw fail('foreign-failed', {
    type: stage.type,
    network: row.owner.network,
    command: 'del',
    reason: reasonOf(ran),
  })
}

/** Characters of another vendor's words; a plugin can print megabytes of them. */
const MOST_WORDS = 512

/** What a failed plugin said, on one line: its error object's text, else its standard error. */
export function reasonOf(ran: { readonly stdout: string; readonly stderr: string }): string {
  return wordsOf(ran)
    .slice(0, MOST_WORDS)
    .replaceAll(/\s*\n\s*/g, ' ')
}

function wordsOf(ran: { readonly stdout: string; readonly stderr: string }): string {
  const text = ran.stdout.trim()
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said === 'object' && said !== null && 'msg' in said) {
      const details = 'details' in said ? `; ${String(said.details)}` : ''
      return `${String(said.msg)}${said.msg === '' ? '' : details}`
    }
  } catch {
    // not an error object: its words as they are
  }
  return [text, ran.stderr.trim()].filter((t) => t !== '').join(': ') || 'no error message'
}

/** DEL's standard input: the configuration of its ADD with the result that ADD gave. */
function withPrevResult(stage: Extract<Stage, { stage: 'foreign' }>): string {
  if (stage.answer === undefined) return stage.stdin
  const conf: RawConf = JSON.parse(stage.stdin)
  const answer: unknown = stage.answer === '' ? undefined : JSON.parse(stage.answer)
  return JSON.stringify({ ...conf, ...(answer === undefined ? {} : { prevResult: answer }) })
}

async function release(row: Row, needs: AttachNeeds): Promise<void> {
  for (const raw of row.request.plugins) {
    const ipam = needs.catalogue.ipams.get(String(ipamTypeOf(raw)))
    if (ipam === undefined) continue
    const held = row.held.length > 0 ? row.held : undefined
    const { conf } = ipam.parse(raw)
    const failed = row.state !== 'attached' && row.state !== 'detaching'
    const unused = row.state === 'reserved'
    const kept = await ipam.release({ conf, owner: row.owner, held, failed, unused })
    for (const text of kept ?? []) needs.report({ note: 'left', attachment: row.attachment, text })
  }
}
