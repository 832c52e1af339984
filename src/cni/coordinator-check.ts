/**
 * CHECK of the coordinator: what makes the pod and its host reach each other,
 * on both sides. That the rest of its steps still stand is looked at where the
 * journal is: see `standing.ts`.
 *
 * Spec: CNI 1.1.0, section 4 (CHECK).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import type { Ip } from '#values/ip.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { type Coordinating, toldIps } from './coordinator-planning.ts'
import { ruleToPod } from './coordinator-rules.ts'
import { POD_VETH } from './coordinator-steps.ts'
import { fail } from './failures.ts'

export type CheckCoordinatorNeeds = Pick<KernelQuestions, 'link' | 'rules' | 'routes'>

/** Every way in which the host does not lead to the pod any more. */
export async function checkCoordinator(
  { conf, netns, ifName, prevResult }: Coordinating,
  needs: CheckCoordinatorNeeds,
): Promise<Failure[]> {
  if (conf.mode === 'disabled') return []
  if (prevResult === undefined) return [fail('plugin-prev-result-missing')]
  const [veth, rules, routes] = await Promise.all([
    needs.link(netns, POD_VETH),
    needs.rules('host'),
    needs.routes('host'),
  ])
  const hasPair = conf.mode === 'underlay' || ifName === conf.firstNic
  const pair: Failure[] = []
  if (veth === undefined && hasPair) {
    pair.push(fail('check-interface-missing', { ifName: POD_VETH, where: netns }))
  } else if (veth?.up === false) {
    const setting = { setting: 'state', found: 'down', wanted: 'up' }
    pair.push(fail('check-setting-differs', { ifName: POD_VETH, ...setting }))
  }
  const ways = toldIps(prevResult, ifName).flatMap((ip: Ip) => {
    const { to, table } = ruleToPod(ip, conf.hostTable)
    const failures: Failure[] = []
    if (!rules.some((rule) => rule.to === to && rule.table === table)) {
      const rule = `to ${to} lookup ${table}`
      failures.push(fail('check-rule-missing', { rule, where: 'host' }))
    }
    if (!routes.some((route) => route.dst === to && route.table === table)) {
      failures.push(fail('check-route-missing', { dst: to, where: `table ${table} of the host` }))
    }
    return failures
  })
  return [...pair, ...ways]
}
