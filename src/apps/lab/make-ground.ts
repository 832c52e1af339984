/**
 * Makes the ground of a run; nothing is changed on the machine yet.
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { bridgeWire } from './bridge-wire.ts'
import { demand } from './command.ts'
import type { Ground } from './ground.ts'
import type { GroundName } from './ground-name.ts'
import { hcaWire } from './hca-wire.ts'
import { KernelGround } from './kernel-ground.ts'
import { observe } from './observed.ts'
import { type RunRecord, writeRecord } from './record.ts'
import type { Run } from './run.ts'
import { SimGround } from './sim-ground.ts'
import type { Wire } from './wire.ts'

export type GroundOptions = {
  readonly run: Run
  readonly groundName: GroundName
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** Emulated processors are about ten times slower, and every limit has room. */
const SLOWNESS: Readonly<Record<GroundName, number>> = { vm: 6, host: 1, sim: 1 }

/** Makes the folder of the run; all else is made when it is asked for. */
export async function makeGround(options: GroundOptions): Promise<Ground> {
  const { run, env, groundName } = options
  const before = groundName === 'sim' ? {} : await observe(undefined, env)
  await mkdir(run.folder, { recursive: true, mode: 0o700 })
  if (groundName === 'sim') return new SimGround(run)
  const record = { before, nodes: [], pods: [] }
  await writeRecord(run, record)
  return kernelGround(options, record)
}

/** The ground of a run that another process has made. */
export function kernelGround(options: GroundOptions, record: RunRecord): Ground {
  const { run, groundName, env, signal } = options
  return new KernelGround({
    run,
    env,
    signal,
    record,
    slowness: SLOWNESS[groundName],
    leave: process.env['VERBENA_LAB_LEAVE'] === '1',
    wire: wireOf(options),
  })
}

function wireOf({ run, groundName, env, signal }: GroundOptions): Wire {
  const ip = (...words: readonly string[]) => demand({ words: ['ip', ...words], env, signal })
  const bridges = bridgeWire(run, ip)
  return groundName === 'vm' ? hcaWire({ run, env, signal, bridges }) : bridges
}
