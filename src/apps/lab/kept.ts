/**
 * What to do with a run that was kept.
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GroundName } from './ground-name.ts'
import type { RunningPod } from './pods.ts'
import type { Run } from './run.ts'
import type { Voice } from './voice.ts'

/** A machine that is kept ends by itself after so long. */
export const KEPT_HOURS = 8
const HOLDER = 'lab.pid'

type KeptRun = {
  readonly run: Run
  readonly groundName: GroundName
  readonly pods: readonly RunningPod[]
}

/** Five commands to look around with, and in the last line the one that ends the run. */
export function sayKept(voice: Voice, { run, groundName, pods }: KeptRun): void {
  const [first, second = first] = pods
  const name = first?.bound.pod.metadata.name ?? ''
  const node = first?.bound.node ?? ''
  const other = second?.added.ips[0]?.split('/')[0] ?? ''
  const exec = `bin/verbena lab exec ${run.id}`
  voice.heading(`Run ${run.id} goes on. To look around in a pod, on a node, on this ground:`)
  voice.lines(
    [
      `${exec} ${name} -- ip a`,
      `${exec} ${name} -- ping -c 3 ${other}`,
      `${exec} ${node} -- ip -d link`,
      `${exec} -- verbena get pod -A -o wide`,
      `${exec} -- tail ${run.folder}/${node}/agent.log`,
    ].join('\n'),
  )
  if (groundName === 'vm') {
    voice.say(
      `\nIts machine ends by itself after ${KEPT_HOURS} hours. A command in it is shown when it ` +
        'has ended, and reads no input.',
    )
  }
  voice.heading('To end the run:')
  voice.lines(endCommand(run))
}

/** The command that ends a run. */
export function endCommand({ id }: Run): string {
  return `bin/verbena lab end ${id}`
}

/** The same run as its machine names it, where it runs as root. */
export function runInGuest({ id }: Run): Run {
  return { id, folder: join('/run', `verbena-lab-${id}`) }
}

/** Writes down which process ends the run when it is told to by SIGTERM. */
export async function writeHolder(run: Run): Promise<void> {
  await writeFile(join(run.folder, HOLDER), String(process.pid), { mode: 0o600 })
}

/** A command that tells it, for the machine that the run is on. */
export function tellHolder({ folder }: Run): readonly string[] {
  return ['sh', '-c', 'kill -TERM "$(cat "$1")"', 'sh', join(folder, HOLDER)]
}
