/**
 * Entry of `verbena lab`: chooses a ground and runs there.
 * @module
 */
import { fail } from '#apps/failures.ts'
import { type NotTaken, candidates, isRoot, leftOut, obstacle } from './choice.ts'
import type { LabContext } from './context.ts'
import { endRun } from './end.ts'
import { executeIn } from './exec.ts'
import type { GroundName } from './ground-name.ts'
import { insideOf } from './inside.ts'
import { runInKeptMachine } from './keep-machine.ts'
import { runInMachine } from './machine.ts'
import { type LabOptions, parseLabOptions } from './options.ts'
import { runHere } from './here.ts'
import { planNodes } from './plan.ts'
import { randomLetters, runOf } from './run.ts'
import { documentsIn, readFiles } from './sources.ts'
import type { Tried } from './testbed.ts'
import { runInUserNamespace } from './user-namespace.ts'

/** `argv` is what follows the word `lab`. */
export async function runLab(argv: readonly string[], context: LabContext): Promise<number> {
  const request = parseLabOptions(argv)
  if (request.verb === 'end') return endRun(request.run, context)
  if (request.verb === 'exec') return executeIn(request, context)
  const { options } = request
  const inside = insideOf(context.env)
  if (inside !== undefined) {
    const { run, groundName, notTaken } = inside
    const read = await readFiles(options.files, context.stdin)
    const nodes = nodesOf(read, options)
    return runHere({ run: runOf(run), groundName, notTaken, options, files: read, nodes }, context)
  }
  const notTaken: NotTaken[] = leftOut(options.ground)
  for (const ground of candidates(options.ground)) {
    const tried = await tryGround(ground, { options, notTaken, context })
    if (typeof tried === 'number') return tried
    if (options.ground !== undefined) {
      throw fail('lab-ground-impossible', { ground, reason: tried.skipped })
    }
    notTaken.push({ ground, reason: tried.skipped })
  }
  throw fail('lab-ground-impossible', { ground: 'sim', reason: notTaken.at(-1)?.reason })
}

type Trying = {
  readonly options: LabOptions
  readonly notTaken: readonly NotTaken[]
  readonly context: LabContext
}

async function tryGround(ground: GroundName, trying: Trying): Promise<Tried> {
  const { options, notTaken, context } = trying
  const skipped = await obstacle(
    { ground, keep: options.keep },
    { ...context.env, PATH: `${context.env['PATH']}:/usr/sbin:/sbin` },
  )
  if (skipped !== undefined) return { skipped }
  const files = await readFiles(options.files, context.stdin)
  const run = runOf(randomLetters(6))
  const inside = { run: run.id, groundName: ground, notTaken }
  if (ground === 'vm') {
    const start = options.keep ? runInKeptMachine : runInMachine
    return start({ inside, options, files }, context)
  }
  if (ground === 'host' && !isRoot()) {
    return runInUserNamespace({ inside, options, files }, context)
  }
  const nodes = nodesOf(files, options)
  return runHere({ run, groundName: ground, notTaken, options, files, nodes }, context)
}

function nodesOf(files: Parameters<typeof documentsIn>[0], { nodes, parent }: LabOptions) {
  return planNodes(documentsIn(files), { count: nodes, parent })
}
