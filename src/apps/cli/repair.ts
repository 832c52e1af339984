/**
 * `verbena repair`: shows each damage that `check` finds with what it would do,
 * asks, looks again, mends what is still so, and checks again. What can only be
 * decided by a person is left, with the reason.
 * @module
 */
import { fail } from '#apps/failures.ts'
import type { Records } from '#needs/records.ts'
import type { Context } from './context.ts'
import { type Planned, keyOf } from './planned.ts'
import { formatTable } from './print.ts'
import { withStore } from './store.ts'
import { type SurveyOptions, survey } from './survey.ts'

export type RepairOptions = SurveyOptions & { readonly yes?: boolean; readonly dryRun?: boolean }

/** What is mended can bring to light what could not be seen before. */
const ROUNDS = 5

type Done = Omit<Planned, 'mend'> & { readonly done: boolean }
type At = { readonly records: Records; readonly options: RepairOptions; readonly context: Context }

/** Exit status 1 when something is left as it must not be. */
export async function repair(options: RepairOptions, context: Context): Promise<number> {
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const at = { records, options, context }
    const done: Done[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      const { plan } = await survey(records, options, context)
      const mendable = plan.filter(({ mend }) => mend !== undefined)
      if (options.dryRun === true) return show(plan, [], at)
      if (mendable.length === 0) return show(plan, done, at)
      if (options.output !== 'json') context.stdout.write(tableOf(plan))
      if (!(await agreed(mendable.length, at))) return show(plan, done, at)
      done.push(...(await mendAgain(mendable, at)))
    }
    return show((await survey(records, options, context)).plan, done, at)
  })
}

/** Only what was shown, and is still so now. */
async function mendAgain(shown: readonly Planned[], at: At): Promise<Done[]> {
  const keys = new Set(shown.map(keyOf))
  const { plan } = await survey(at.records, at.options, at.context)
  const done: Done[] = []
  for (const planned of plan) {
    const { mend, ...about } = planned
    if (mend !== undefined && keys.has(keyOf(planned))) {
      done.push({ ...about, done: await mend() })
    }
  }
  return done
}

/** @throws {Failure} `command-invalid` where nobody can be asked */
async function agreed(count: number, { options, context }: At): Promise<boolean> {
  if (options.yes === true) return true
  const { stdin, stderr } = context
  if (!('isTTY' in stdin) || stdin.isTTY !== true) {
    throw fail('command-invalid', { reason: 'nobody can be asked here: give --yes or --dry-run' })
  }
  stderr.write(`Mend ${count === 1 ? 'this' : `these ${count}`}? [y/N] `)
  for await (const piece of stdin) {
    const text = typeof piece === 'string' ? piece : Buffer.from(piece).toString('utf8')
    return /^\s*y(es)?\s*$/i.test(text)
  }
  return false
}

function show(left: readonly Planned[], done: readonly Done[], { options, context }: At): number {
  const { stdout } = context
  const isMendable = left.some(({ mend }) => mend !== undefined)
  if (options.output === 'json') {
    const plan = left.map(({ mend: _, ...about }) => about)
    stdout.write(`${JSON.stringify({ mended: done, plan }, null, 2)}\n`)
  } else if (options.dryRun === true || !isMendable) {
    stdout.write(tableOf(left))
  }
  if (options.output !== 'json') {
    const mended = done.filter((one) => one.done).length
    const rest = left.length === 0 ? 'all is as it must be' : `${left.length} damages are left`
    stdout.write(`${mended} mended: ${rest}\n`)
  }
  return left.length === 0 ? 0 : 1
}

function tableOf(plan: readonly Planned[]): string {
  if (plan.length === 0) return ''
  const rows = plan.map(({ object, damage, cause, action }) => [object, damage, cause, action])
  return formatTable([['OBJECT', 'DAMAGE', 'CAUSE', 'ACTION'], ...rows])
}
