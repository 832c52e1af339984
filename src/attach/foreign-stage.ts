/**
 * Plugins and IPAMs of other vendors: run on the host by the shim, journalled
 * before and after, their answer the next stage's prevResult.
 *
 * Spec: CNI 1.1.0, sections 2 and 4.
 * @module
 */
import { encodeResult } from '#wire/cni/result-json.ts'
import { parseResult } from '#wire/cni/result-parse.ts'
import type { CniResult } from '#wire/cni/result.ts'
import type { RawConf } from './catalogue.ts'
import { fail } from './failures.ts'
import type { Doing, Making } from './making.ts'
import type { Stage } from './row.ts'
import { reasonOf } from './undo.ts'

/** Status of a plugin that could not be run. */
const NOT_RUN = -1

/** Runs stage `n` of an attachment when it is another vendor's; else nothing. */
export async function runForeignStage(making: Making, n: number, doing: Doing): Promise<void> {
  const stage = making.stages[n]
  if (stage?.stage !== 'foreign') return
  const before = making.row.result ?? making.wanted.prevResult
  const raw =
    before === undefined
      ? stage.link.raw
      : { ...stage.link.raw, prevResult: encodeResult(before, making.wanted.cniVersion) }
  const answer = await runForeign(making, stage.link.type, raw, doing)
  const result: CniResult | undefined =
    answer === '' ? before : parseResult(answer, making.wanted.cniVersion)
  making.row = { ...making.row, result }
  doing.needs.journal.write([making.row])
}

/**
 * ADD of a foreign plugin, with its journal row before the first effect.
 * @returns what it printed
 * @throws {Failure} `foreign-failed` with the plugin's own words; `foreign-unreachable`
 */
export async function runForeign(
  making: Making,
  type: string,
  raw: RawConf,
  { needs, foreign }: Doing,
): Promise<string> {
  const { owner, netns, args, ofPod } = making.wanted
  if (foreign === undefined) throw fail('foreign-unreachable', { type })
  const env = {
    CNI_CONTAINERID: owner.containerId,
    CNI_IFNAME: owner.ifName,
    CNI_NETNS: netns,
    CNI_ARGS: args,
    ...(ofPod?.pluginPath === undefined ? {} : { CNI_PATH: ofPod.pluginPath }),
  }
  const stage: Stage = {
    stage: 'foreign',
    type,
    env,
    stdin: JSON.stringify(raw),
    answer: undefined,
  }
  making.row = { ...making.row, state: 'open', stages: [...making.row.stages, stage] }
  needs.journal.write([making.row])
  const ran = await foreign.run({
    type,
    env: { ...env, CNI_COMMAND: 'ADD' },
    stdin: stage.stdin,
  })
  if (ran.status !== 0) {
    // what never ran has nothing to be taken back
    const others = making.row.stages.filter((one) => one !== stage)
    if (ran.status === NOT_RUN) making.row = { ...making.row, stages: others }
    throw fail('foreign-failed', {
      type,
      network: owner.network,
      command: 'add',
      reason: reasonOf(ran),
    })
  }
  const answer = ran.stdout.trim()
  const stages = making.row.stages.map((one) => (one === stage ? { ...stage, answer } : one))
  making.row = { ...making.row, stages }
  needs.journal.write([making.row])
  return answer
}
