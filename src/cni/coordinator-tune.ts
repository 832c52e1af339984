/**
 * The table of a later interface of a pod: its routes leave the main table, and
 * what is sent from its addresses uses its own. The routes are looked at where
 * the interface exists; where it is still to be made they follow from prevResult.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { bitsOf, familyOf } from '#values/ip.ts'
import { cidrParts, networkOf } from '#values/cidr.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { NetnsPath } from '#values/netns.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { CniIp, CniResult } from '#wire/cni/result.ts'
import { routesOf } from './addressing.ts'
import { ruleFromPod } from './coordinator-rules.ts'

const KERNEL_PROTOCOL = 2
const KERNEL_METRIC_V6 = 256
const FIRST_TABLE = 101
/** `netN` beyond this would run into the kernel's own tables, 253 to 255. */
const LAST_NUMBERED = 150

/**
 * Number of an interface's table: 101 for the first, 101 + N for `netN`, which
 * is what the replaced plugin counts to; otherwise it counts the links that are up.
 */
export function tableOf(ifName: IfName, of: { firstNic: IfName; linksUp: number }): number {
  if (ifName === of.firstNic) return FIRST_TABLE
  const number = Number(/^net([1-9][0-9]{0,2})$/.exec(ifName)?.[1] ?? 0)
  return number > 0 && number <= LAST_NUMBERED ? FIRST_TABLE + number : of.linksUp + 98
}

/** Routes of `ifName` in the main table once its plugin's steps are taken. */
export function predictRoutes(
  prevResult: CniResult,
  ips: readonly CniIp[],
  ifName: IfName,
): Route[] {
  const connected = ips.flatMap(({ address }): Route[] => {
    const { ip, prefix, family } = cidrParts(address)
    if (prefix === bitsOf(family)) return []
    return [
      {
        dst: networkOf(address),
        via: undefined,
        dev: ifName,
        table: MAIN_TABLE,
        scope: family === 4 ? 'link' : 'global',
        src: family === 4 ? ip : undefined,
        priority: family === 4 ? undefined : KERNEL_METRIC_V6,
        onlink: false,
        protocol: KERNEL_PROTOCOL,
      },
    ]
  })
  const asked = routesOf({ ips, routes: prevResult.routes }, ifName)
  return [...connected, ...asked.filter(({ table }) => table === MAIN_TABLE)]
}

/**
 * Moves `routes` into `table`. They are there before they leave the main one,
 * those without gateway first: the kernel looks a gateway up when a route comes.
 */
export function planTune(of: {
  netns: NetnsPath
  ips: readonly CniIp[]
  routes: readonly Route[]
  table: number
}): Step[] {
  const { netns, table } = of
  const routes = of.routes
    .filter(({ dst, table: from }) => from === MAIN_TABLE && !isLinkLocal(dst))
    .toSorted((a, b) => Number(a.via !== undefined) - Number(b.via !== undefined))
  return [
    ...routes.map((route): Step => {
      const moved = { ...route, table, protocol: VERBENA_PROTOCOL }
      return { do: 'add-route', where: netns, route: moved }
    }),
    ...of.ips.map(({ address }): Step => {
      const rule = ruleFromPod(cidrParts(address).ip, table)
      return { do: 'add-rule', where: netns, rule }
    }),
    ...routes.toReversed().map((route): Step => ({ do: 'remove-route', where: netns, route })),
  ]
}

/** Every IPv6 interface has fe80::/64 and ff00::/8 of its own; they stay. */
function isLinkLocal(dst: Route['dst']): boolean {
  return familyOf(dst) === 6 && /^f(e80|f00)::/.test(dst)
}
