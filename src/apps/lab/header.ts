/**
 * The first lines of a run: the ground, what is real on it, why no better one.
 * @module
 */
import { GROUND_TEXTS, type NotTaken } from './choice.ts'
import type { GroundName } from './ground-name.ts'
import type { NodePlan } from './node-plan.ts'
import type { LabFile } from './lab.ts'
import type { Run } from './run.ts'

export type Header = {
  readonly run: Run
  readonly ground: GroundName
  readonly notTaken: readonly NotTaken[]
  readonly files: readonly LabFile[]
  readonly nodes: readonly NodePlan[]
}

export function headerText({ run, ground, notTaken, files, nodes }: Header): string {
  const { real, standsIn } = GROUND_TEXTS[ground]
  const parents = [...new Set(nodes.flatMap((node) => node.parents.map(({ name }) => name)))]
  return [
    `Verbena lab, run ${run.id}, on ground ${ground}`,
    '',
    label('real', real),
    label('stands in', standsIn),
    ...notTaken.map((other) => label(`not ${other.ground}`, other.reason)),
    label('files', files.map(({ name }) => name).join(' ')),
    label(
      'nodes',
      `${nodes.map(({ name }) => name).join(' ')}, each with ${parents.join(' and ')}`,
    ),
    label('prompts', '~# is this machine, root@NAME:~# a node, root@NAME:/# inside a pod'),
  ].join('\n')
}

/** `fold()` lets what follows hang under the text. */
function label(word: string, text: string): string {
  return `${`${word}:`.padEnd(12)}${text}`
}
