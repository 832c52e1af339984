/**
 * Pods on a real node: made, and asked for.
 * @module
 */
import { equal } from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { networks } from './documents.ts'
import { addPod } from './ground.ts'
import type { Exit } from './program-run.ts'
import type { RealCall, RealNode } from './real-node.ts'

export type Result = {
  readonly interfaces: readonly { readonly name: string; readonly mac: string }[]
  readonly ips: readonly { readonly address: string }[]
}
/** The error object of CNI. */
export type Refusal = { readonly code: number; readonly msg: string; readonly details?: string }

/** A pod with its namespace and its document, on these networks of `kube-system`. */
export async function podOn(
  node: RealNode,
  name: string,
  first: string,
  ...others: readonly string[]
): Promise<RealCall> {
  await node.addPods([name])
  return { pod: name, ref: await addPod(node, name, networks(first, ...others)) }
}

/** Of an ADD that must have succeeded. */
export function resultOf({ status, stdout, stderr }: Exit): Result {
  equal(status, 0, `${stdout}${stderr}`)
  return JSON.parse(stdout)
}

/** Of a call that must have been refused; standard error stays empty. */
export function refusalOf({ status, stdout, stderr }: Exit): Refusal {
  equal(status, 1, stdout)
  equal(stderr, '')
  return JSON.parse(stdout)
}

/** A call that must succeed, and says nothing where it is no ADD. */
export async function demand(node: RealNode, verb: string, call: RealCall): Promise<Exit> {
  const exit = await node.plugin(verb, call)
  equal(exit.status, 0, `${verb} ${call.pod}: ${exit.stdout}${exit.stderr}`)
  return exit
}

/** Asks until it holds, bounded. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited 10 s for ${what}`)
    await delay(10)
  }
}
