/**
 * Default routes of a pod that says which of its networks has them: when all
 * are attached, those of the others are taken away and the asked ones are made,
 * per IP version, journalled like every other step.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3, section 4.1.2.1.9.
 * Only the main table: what a coordinator keeps in tables of its own stays.
 * @module
 */
import type { DefaultRouteChange } from '#network/index.ts'
import { type Cidr, cidrOf, cidrParts, networkOf, parseCidr } from '#values/cidr.ts'
import { type Family, familyOf, type Ip } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { Owner } from '#values/owner.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { CniResult, CniRoute } from '#wire/cni/result.ts'
import { fail } from './failures.ts'
import type { Making } from './making.ts'
import type { AttachNeeds } from './needs.ts'

const ANYWHERE = { 4: parseCidr('0.0.0.0/0'), 6: parseCidr('::/0') } as const

type Turn = { readonly making: Making; readonly change: DefaultRouteChange }

/** @throws {Failure} `default-route-astray`, `kernel-refused` */
export async function applyDefaultRoutes(
  makings: readonly Making[],
  needs: AttachNeeds,
): Promise<void> {
  const turns = makings.flatMap((making): Turn[] => {
    const change = making.wanted.ofPod?.defaultRoute
    return change === undefined ? [] : [{ making, change }]
  })
  const [first] = turns
  if (first === undefined) return
  const routes = await needs.kernel.routes(first.making.wanted.netns)
  const gone = turns.map((turn) => removals(turn, routes))
  const made = turns.map((turn) => additions(turn, routes))
  for (const [i, { making, change }] of turns.entries()) {
    const steps = [...(gone[i] ?? []), ...(made[i] ?? [])]
    const { row } = making
    making.row = {
      ...row,
      stages: steps.length === 0 ? row.stages : [...row.stages, { stage: 'steps', steps }],
      result: row.result && resultWith(row.result, change),
    }
  }
  needs.journal.write(turns.map(({ making }) => making.row))
  await needs.kernel.take([...gone.flat(), ...made.flat()])
}

/** Default routes by the interface, of the versions that it loses and of those it is given. */
function removals({ making, change }: Turn, routes: readonly Route[]): Step[] {
  const { netns, owner } = making.wanted
  const families = new Set([...change.drop, ...change.add.map(familyOf)])
  const defaults = routes.filter(
    ({ dst, table }) => isDefault(dst) && table === MAIN_TABLE && families.has(versionOf(dst)),
  )
  return defaults.flatMap((route): Step[] => {
    if (route.dev === owner.ifName) return [{ do: 'remove-route', where: netns, route }]
    // IPv6 shows the default routes of several interfaces as one, which names none
    if (route.dev !== undefined) return []
    return hopsOf(making.row.result, versionOf(route.dst)).map((via) => ({
      do: 'remove-route',
      where: netns,
      route: { ...route, via, dev: owner.ifName },
    }))
  })
}

function additions({ making, change }: Turn, routes: readonly Route[]): Step[] {
  const { netns, owner, networkRef } = making.wanted
  const own = routes.filter(({ dev, table, via }) => {
    return dev === owner.ifName && table === MAIN_TABLE && via === undefined
  })
  const beside = (making.row.result?.ips ?? []).map(({ address }) => address)
  return change.add.map((via) => {
    const isLedTo = own.some(({ dst }) => !isDefault(dst) && covers(dst, via))
    const reached = [...own.map(({ dst }) => dst), ...beside]
    if (!reached.some((cidr) => covers(cidr, via))) {
      const network = networkRef ?? owner.network
      throw fail('default-route-astray', { network, gateway: via, ifName: owner.ifName })
    }
    // a coordinator keeps the way to its neighbours in a table of its own
    return { do: 'add-route', where: netns, route: { ...routeVia(via, owner), onlink: !isLedTo } }
  })
}

function routeVia(via: Ip, { ifName }: Owner): Route {
  return {
    dst: ANYWHERE[familyOf(via)],
    via,
    dev: ifName,
    table: MAIN_TABLE,
    scope: 'global',
    src: undefined,
    priority: undefined,
    onlink: false,
    protocol: VERBENA_PROTOCOL,
  }
}

function hopsOf(result: CniResult | undefined, family: Family): Ip[] {
  const routes = (result?.routes ?? []).filter(({ dst }) => isDefault(dst))
  const hops = [
    ...routes.map(({ gw }) => gw),
    ...(result?.ips ?? []).map(({ gateway }) => gateway),
  ].filter((ip) => ip !== undefined && familyOf(ip) === family)
  return [...new Set(hops.filter((ip) => ip !== undefined))]
}

/** What is answered is what is so. */
function resultWith(result: CniResult, { add, drop }: DefaultRouteChange): CniResult {
  const changed = new Set<Family>([...drop, ...add.map(familyOf)])
  const kept = result.routes.filter(({ dst }) => !isDefault(dst) || !changed.has(versionOf(dst)))
  return { ...result, routes: [...kept, ...add.map(routeBy)] }
}

function routeBy(gw: Ip): CniRoute {
  return {
    dst: ANYWHERE[familyOf(gw)],
    gw,
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  }
}

function covers(cidr: Cidr, ip: Ip): boolean {
  const { family, prefix } = cidrParts(cidr)
  return family === familyOf(ip) && networkOf(cidr) === networkOf(cidrOf(ip, prefix))
}

function isDefault(dst: Route['dst']): boolean {
  return cidrParts(dst).prefix === 0
}

function versionOf(dst: Route['dst']): Family {
  return cidrParts(dst).family
}
