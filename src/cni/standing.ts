/**
 * Whether what an attachment did to its pod and its host still stands: routes,
 * rules, sysctls, nf_tables tables and hardware addresses, by the steps that
 * are in the journal. Links and addresses are their plugins' own to check.
 *
 * Spec: CNI 1.1.0, section 4 (CHECK).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import type { Where } from '#values/netns.ts'
import type { Route, Rule } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { fail } from './failures.ts'

/** A step of the attachment, or of another one of its pod. */
export type Taken = { readonly step: Step; readonly own: boolean }

export type StandingNeeds = Pick<
  KernelQuestions,
  'link' | 'routes' | 'rules' | 'sysctl' | 'nftTables'
>

/**
 * What of the attachment's own steps is not so any more. `taken` are the steps
 * of all attachments of the pod in the order in which they were taken: what a
 * later one took back or changed is no fault.
 */
export async function checkStanding(
  taken: readonly Taken[],
  needs: StandingNeeds,
): Promise<Failure[]> {
  const last = new Map<string, Taken>()
  for (const one of taken) {
    const key = keyOf(one.step)
    if (key !== undefined) last.set(key, one)
  }
  const own = [...last.values()].filter((one) => one.own).map(({ step }) => step)
  const once = { ...needs, routes: onceEach(needs.routes), rules: onceEach(needs.rules) }
  const faults = await Promise.all(own.map((step) => faultOf(step, once)))
  return faults.filter((fault) => fault !== undefined)
}

/** Many steps ask the same of the same namespace. */
function onceEach<T>(ask: (where: Where) => Promise<T>): (where: Where) => Promise<T> {
  const asked = new Map<Where, Promise<T>>()
  return (where) => {
    const known = asked.get(where) ?? ask(where)
    asked.set(where, known)
    return known
  }
}

/** What a step is about: of two with one key the later one holds. */
function keyOf(step: Step): string | undefined {
  switch (step.do) {
    case 'add-route':
    case 'remove-route':
      return `${step.where} route ${textOfRoute(step.route)}`
    case 'add-rule':
    case 'remove-rule':
      return `${step.where} rule ${textOfRule(step.rule)}`
    case 'set-sysctl':
      return `${step.where} sysctl ${step.path}`
    case 'add-nft-table':
    case 'remove-nft-table':
      return `${step.where} table ${step.table.name}`
    case 'set-link':
      return step.set.address === undefined ? undefined : `${step.where} address ${step.link}`
    default:
      return undefined
  }
}

async function faultOf(step: Step, needs: StandingNeeds): Promise<Failure | undefined> {
  switch (step.do) {
    case 'add-route':
      return routeFault(step, needs)
    case 'add-rule':
      return ruleFault(step, needs)
    case 'set-sysctl': {
      const { where, path: setting, value: wanted } = step
      const found = await needs.sysctl(where, setting)
      if (found !== undefined && sameValue(found, wanted)) return undefined
      return fail('check-sysctl-differs', { path: setting, found, wanted, where: nameOf(where) })
    }
    case 'add-nft-table': {
      const { where, table } = step
      if ((await needs.nftTables(where)).includes(table.name)) return undefined
      return fail('check-table-missing', { table: table.name, where: nameOf(where) })
    }
    case 'set-link': {
      const { where, link: ifName, set } = step
      const found = (await needs.link(where, ifName))?.address
      if (set.address === undefined || found === undefined || found === set.address) {
        return undefined
      }
      return fail('check-setting-differs', {
        ifName,
        setting: 'address',
        found,
        wanted: set.address,
      })
    }
    default:
      return undefined
  }
}

async function routeFault(
  { where, route }: Extract<Step, { do: 'add-route' | 'remove-route' }>,
  needs: StandingNeeds,
): Promise<Failure | undefined> {
  const wanted = textOfRoute(route)
  const found = (await needs.routes(where)).some((one) => textOfRoute(one) === wanted)
  if (found) return undefined
  return fail('check-route-missing', {
    dst: route.dst,
    where: `table ${route.table} of ${nameOf(where)}`,
  })
}

async function ruleFault(
  { where, rule }: Extract<Step, { do: 'add-rule' | 'remove-rule' }>,
  needs: StandingNeeds,
): Promise<Failure | undefined> {
  const wanted = textOfRule(rule)
  if ((await needs.rules(where)).some((one) => textOfRule(one) === wanted)) return undefined
  return fail('check-rule-missing', { rule: wanted, where: nameOf(where) })
}

function textOfRoute({ dst, via, dev, table }: Route): string {
  return `${dst} via ${via} dev ${dev} table ${table}`
}

function textOfRule({ family, from, to, fwmark, table }: Rule): string {
  const mark = fwmark === undefined ? '' : `fwmark ${fwmark.mark}/${fwmark.mask} `
  const match = `${from === undefined ? '' : `from ${from} `}${to === undefined ? '' : `to ${to} `}`
  return `IPv${family} ${match}${mark}lookup ${table}`
}

function nameOf(where: Where): string {
  return where === 'host' ? 'host' : where
}

/** The kernel shows several values of a setting with tabs between them, whoever wrote blanks. */
export function sameValue(found: string, wanted: string): boolean {
  const [one, two] = [found, wanted].map((text) => text.trim().split(/\s+/).join(' '))
  return one === two
}
