/**
 * An agent killed before every single change of ADD, DEL and the ADD of a newer
 * container: the next agent leaves nothing half-made, and a retry succeeds.
 * @module
 */
import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { STEP_KINDS, type Step } from '#values/step.ts'
import { killEverywhere, type Verb } from './kill-everywhere.ts'
import { type Scenario, SCENARIOS, UNPLANNED } from './kill-scenarios.ts'

/** Kinds of step that no plugin of ours plans today, in an ADD or in its undo. */
const NO_PLUGIN_PLANS: readonly Step['do'][] = ['remove-address']

const killed = { planned: new Set<Step['do']>(), unplanned: new Set<Step['do']>() }
let tried = 0

/** A plugin by itself has no pod here, and what is changed on the host cannot be so twice. */
function verbsOf(scenario: Scenario): Verb[] {
  const once = scenario.alone !== undefined || scenario === UNPLANNED
  return once ? ['ADD', 'DEL'] : ['ADD', 'DEL', 'TAKE-OVER']
}

for (const scenario of [...SCENARIOS, UNPLANNED]) {
  for (const verb of verbsOf(scenario)) {
    test(`${scenario.does}: ${verb} killed before every change`, async (t) => {
      const { points, faults } = await killEverywhere(scenario, verb)
      deepEqual(faults, [])
      t.diagnostic(`${points.length} kill points`)
      tried += points.length
      const kinds = scenario === UNPLANNED ? killed.unplanned : killed.planned
      for (const { step } of points) if (step !== undefined) kinds.add(step)
      ok(points.length >= 2)
    })
  }
}

test('every kind of step had a kill point', (t) => {
  t.diagnostic(`${tried} kill points in all`)
  const missing = STEP_KINDS.filter((kind) => !killed.planned.has(kind))
  deepEqual(missing, NO_PLUGIN_PLANS, 'what plugins plan has changed: say so here')
  deepEqual(
    missing.filter((kind) => !killed.unplanned.has(kind)),
    [],
  )
})

test('a journal that is written after the effect is found out', async (t) => {
  const [scenario] = SCENARIOS
  ok(scenario)
  const { points, faults } = await killEverywhere(scenario, 'ADD', { late: true })
  t.diagnostic(`${faults.length} faults at ${points.length} kill points`)
  const left = faults.filter((fault) => fault.includes('after recovery the state differs'))
  notDeepEqual(left, [])
  ok(
    left.some((fault) => /\+ .*eth0@/.test(fault)),
    'a link is left',
  )
  equal(
    left.some((fault) => fault.includes('/var/lib/cni/networks')),
    true,
    'an address is left',
  )
})
