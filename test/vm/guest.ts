/**
 * The virtual machine that the tests of tier 2 run in, and what says that a test
 * is not in it.
 * @module
 */
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

/** These tests load kernel modules: never on a machine that somebody needs. */
export const OUTSIDE: string | false = existsSync('/run/testbed/conf')
  ? false
  : 'not in the virtual machine of test/testbed'

const POLL_MS = 20
/** Emulated: many times slower than the machine it runs on. */
const TEST_MS = 60_000

/** Asks until it holds. @throws {Error} naming `what`, after `withinMs` */
export async function waitFor(
  what: string,
  holds: () => Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const untilMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() >= untilMs) throw new Error(`waited ${withinMs} ms for ${what}`)
    await setTimeout(POLL_MS)
  }
}

/** Registers a test of the virtual machine. */
export function vmTest(
  does: string,
  act: (t: { diagnostic(text: string): void }) => Promise<void>,
  timeoutMs = TEST_MS,
): void {
  void test(does, { skip: OUTSIDE, timeout: timeoutMs }, async (t) => act(t))
}
