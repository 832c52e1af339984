/**
 * `verbena check`: proves on a store that no address has two owners, none is
 * held by a pod that does not exist or lies outside its pool, that rows can be
 * read; and, where the interfaces can be looked at, that none is used and not
 * held, or held and not used. Each finding comes with what mends it.
 * @module
 */
import type { Context } from './context.ts'
import { formatTable } from './print.ts'
import { withStore } from './store.ts'
import { type Survey, type SurveyOptions, survey } from './survey.ts'

/** Exit status 1 when something is found. */
export async function check(options: SurveyOptions, context: Context): Promise<number> {
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const found = await survey(records, options, context)
    print(found, options.output, context)
    return found.findings.length === 0 ? 0 : 1
  })
}

function print(found: Survey, output: SurveyOptions['output'], { stdout }: Context): void {
  const { allocations, pools } = found
  const findings = found.findings.map(({ object, what, mend }) => ({ object, what, mend }))
  if (output === 'json') {
    stdout.write(`${JSON.stringify({ allocations, pools, findings }, null, 2)}\n`)
    return
  }
  const rows = findings.map(({ object, what, mend }) => [object, what, mend])
  if (rows.length > 0) stdout.write(formatTable([['OBJECT', 'WHAT IS SO', 'MEND BY'], ...rows]))
  const count = findings.length === 0 ? 'all is as it must be' : `${findings.length} findings`
  stdout.write(`${allocations} allocations of ${pools} pools: ${count}\n`)
}
