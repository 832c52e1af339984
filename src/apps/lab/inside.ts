/**
 * A lab inside a lab: in a virtual machine, or in a user namespace. The outer
 * one passes on what it has decided in one environment variable.
 * @module
 */
import { isRecord } from '#schema/zod.ts'
import type { NotTaken } from './choice.ts'
import { GROUND_NAMES, type GroundName } from './ground-name.ts'
import type { LabFile } from './lab.ts'
import type { LabOptions } from './options.ts'

/** What the outer lab has decided. */
export type Inside = {
  /** Id of the run. */
  readonly run: string
  readonly groundName: GroundName
  readonly notTaken: readonly NotTaken[]
}

/** A lab to be started inside. */
export type InnerLab = {
  readonly inside: Inside
  readonly options: LabOptions
  readonly files: readonly LabFile[]
}

const VARIABLE = 'VERBENA_LAB_INSIDE'

/** `NAME=VALUE` for the environment of the inner lab. */
export function insideVariable(inside: Inside): string {
  return `${VARIABLE}=${JSON.stringify(inside)}`
}

/** Undefined for a lab that a person started. */
export function insideOf(env: Readonly<Record<string, string | undefined>>): Inside | undefined {
  const text = env[VARIABLE]
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) return undefined
  const { run, groundName, notTaken } = value
  const ground = groundIn(groundName)
  if (typeof run !== 'string' || ground === undefined) return undefined
  const others = Array.isArray(notTaken) ? notTaken.filter(isRecord) : []
  return {
    run,
    groundName: ground,
    notTaken: others.flatMap(({ ground: name, reason }) => {
      const other = groundIn(name)
      return other === undefined ? [] : [{ ground: other, reason: String(reason) }]
    }),
  }
}

/** The options of a lab as words, with `files` in the place of its own. */
export function wordsOf({ parent, nodes, timeoutMs, keep }: LabOptions, files: readonly string[]) {
  return [
    ...files.flatMap((file) => ['-f', file]),
    ...['--nodes', String(nodes), '--timeout', String(timeoutMs / 1_000)],
    ...(parent === undefined ? [] : ['--parent', parent]),
    ...(keep ? ['--keep'] : []),
  ]
}

function groundIn(value: unknown): GroundName | undefined {
  return GROUND_NAMES.find((name) => name === value)
}
