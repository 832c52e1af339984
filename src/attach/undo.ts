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
import { textOfThrown } from '#values/failure.ts'
import { type Step, undoOfAll } from '#values/step.ts'
import type { RawConf } from './catalogue.ts'
import { fail } from './failures.ts'
import type { AttachNeeds, Foreign } from './needs.ts'
import { stillToDo } from './put-back.ts'
import type { Row, Stage } from './row.ts'

/**
 * Undoes `rows` side by side. Never throws.
 * @returns the rows of which something is left; each was reported
 */
export async function undoRows(
  rows: readonly Row[],
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<Row[]> {
  const open = rows.filter((row) => row.state !== 'detaching')
  if (open.length > 0) needs.journal.write(open.map((row) => ({ ...row, state: 'detaching' })))
  const left = await Promise.all(rows.map((row) => undoRow(row, needs, foreign)))
  const done = rows.filter((_, i) => left[i] === undefined)
  if (done.length > 0) needs.journal.erase(done.map((row) => row.attachment))
  return left.filter((row) => row !== undefined)
}

/** What is left of the row, or undefined when nothing is. */
async function undoRow(
  row: Row,
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<Row | undefined> {
  let stages = row.stages
  try {
    const netns = await needs.kernel.netns(row.netns)
    for (const stage of row.stages.toReversed()) {
      if (stage.stage === 'steps') {
        const undo = undoable(stage.steps, row, netns)
        await needs.kernel.take(await stillToDo(undo, needs.kernel))
      } else await undoForeign(stage, row, foreign)
      stages = stages.filter((other) => other !== stage)
    }
    await release(row, needs)
    return undefined
  } catch (cause) {
    const left: Row = { ...row, state: 'detaching', stages }
    needs.journal.write([left])
    needs.report({
      note: 'undo-failed',
      attachment: row.attachment,
      text: textOfThrown(cause),
      cause,
    })
    return left
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

/** What a failed plugin said: its error object's text, else its standard error. */
export function reasonOf(ran: { readonly stdout: string; readonly stderr: string }): string {
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
    const part = raw['ipam']
    if (typeof part !== 'object' || part === null || !('type' in part)) continue
    const ipam = needs.catalogue.ipams.get(String(part.type))
    if (ipam === undefined) continue
    const held = row.held.length > 0 ? row.held : undefined
    await ipam.release({ conf: ipam.parse(raw).conf, owner: row.owner, held })
  }
}
